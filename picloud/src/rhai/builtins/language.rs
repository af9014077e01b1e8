//! The few core functions of the language that scripts may have: `exit`, `take`, `tag`.

use rhai::{Dynamic, EvalAltResult, FuncRegistration, Module, Position};

use super::{Answer, mutating, pure};

/// Rhai's own core package is not loaded: it holds `sleep`, which blocks the thread, and `parse_json`.
pub(super) fn add(module: &mut Module) {
    pure(module, "exit", || leave(Dynamic::UNIT));
    pure(module, "exit", leave);
    mutating(module, "take", |value: &mut Dynamic| std::mem::take(value));
    pure(module, "tag", tag);
    FuncRegistration::new_getter("tag").set_into_module(module, tag);
    mutating(module, "set_tag", set_tag);
    FuncRegistration::new_setter("tag").set_into_module(module, set_tag);
}

fn leave(value: Dynamic) -> Answer<Dynamic> {
    Err(EvalAltResult::Exit(value, Position::NONE).into())
}

fn tag(value: &mut Dynamic) -> Answer<i64> {
    Ok(i64::from(value.tag()))
}

fn set_tag(value: &mut Dynamic, tag: i64) -> Answer<()> {
    let tag = tag.try_into().map_err(|_| {
        let text = format!("{tag} does not fit into a tag (32 bits)");
        EvalAltResult::ErrorArithmetic(text, Position::NONE)
    })?;
    value.set_tag(tag);
    Ok(())
}
