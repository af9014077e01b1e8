//! Sorting that stops at the first error and counts every comparison.

use std::cmp::Ordering;

use rhai::{Array, Dynamic, EvalAltResult, FnPtr, ImmutableString, Module, NativeCallContext, Position};

use super::{
    cost::{self, Answer, SLOT, Spending},
    mutating, pure,
};

type Ctx<'a> = NativeCallContext<'a>;

pub(super) fn add(module: &mut Module) {
    for name in ["sort", "sort_by"] {
        mutating(module, name, |ctx: Ctx<'_>, array: &mut Array, by: FnPtr| sort_by(&ctx, array, &by));
    }
    // Deprecated, but it is there: a function by its name.
    mutating(module, "sort", |ctx: Ctx<'_>, array: &mut Array, name: ImmutableString| {
        sort_by(&ctx, array, &FnPtr::new(name)?)
    });
    for name in ["order", "order_by"] {
        pure(module, name, |ctx: Ctx<'_>, array: &mut Array, by: FnPtr| {
            let mut array = array.clone();
            sort_by(&ctx, &mut array, &by)?;
            Ok::<Array, super::Refusal>(array)
        });
    }
    for (sort_name, order_name, descending) in [("sort", "order", false), ("sort_desc", "order_desc", true)] {
        mutating(module, sort_name, move |array: &mut Array| sort(array, descending));
        pure(module, order_name, move |array: &mut Array| {
            let mut array = array.clone();
            sort(&mut array, descending)?;
            Ok::<Array, super::Refusal>(array)
        });
    }
}

/// Sorts by what `comparer` gives: a number (negative for "the first comes first") or a boolean ("the first comes
/// first").
fn sort_by(ctx: &Ctx<'_>, array: &mut Array, comparer: &FnPtr) -> Answer<()> {
    merge_sort(array, |a, b| {
        let result = comparer.call_raw(ctx, None, [a.clone(), b.clone()])?;
        if let Ok(number) = result.as_int() {
            Ok(number < 0)
        } else if let Ok(first) = result.as_bool() {
            Ok(first)
        } else if let Ok(number) = result.as_float() {
            Ok(number < 0.0)
        } else {
            let found = ctx.engine().map_type_name(result.type_name());
            Err(format!("sort: the comparer must give a number or a boolean, not {found}").into())
        }
    })
}

/// Sorts values of one simple type.
fn sort(array: &mut Array, descending: bool) -> Answer<()> {
    let Some(kind) = array.first().filter(|_| array.len() > 1).map(Dynamic::type_id) else { return Ok(()) };
    if array.iter().any(|value| value.type_id() != kind) {
        return Err(unsortable("elements of different types cannot be sorted".into()));
    }
    let first = &array[0];
    if first.is_unit() {
        return Ok(());
    }
    if !(first.is_int() || first.is_string() || first.is_float() || first.is_char() || first.is_bool()) {
        return Err(unsortable(format!("elements of {} cannot be sorted", first.type_name())));
    }
    let mut spending = Spending::default();
    merge_sort(array, |a, b| {
        let order = compare(a, b, &mut spending)?;
        Ok(if descending { order == Ordering::Greater } else { order == Ordering::Less })
    })?;
    spending.settle()
}

fn unsortable(text: String) -> Box<EvalAltResult> {
    EvalAltResult::ErrorFunctionNotFound(text, Position::NONE).into()
}

/// The order of two values of the same simple type.
fn compare(a: &Dynamic, b: &Dynamic, spending: &mut Spending) -> Answer<Ordering> {
    spending.step()?;
    if let (Ok(a), Ok(b)) = (a.as_int(), b.as_int()) {
        return Ok(a.cmp(&b));
    }
    if let (Ok(a), Ok(b)) = (a.as_immutable_string_ref(), b.as_immutable_string_ref()) {
        if a.as_ptr() == b.as_ptr() && a.len() == b.len() {
            return Ok(Ordering::Equal);
        }
        spending.work(a.len().min(b.len()))?;
        return Ok(a.as_str().cmp(b.as_str()));
    }
    if let (Ok(a), Ok(b)) = (a.as_float(), b.as_float()) {
        return Ok(a.partial_cmp(&b).unwrap_or(Ordering::Equal));
    }
    if let (Ok(a), Ok(b)) = (a.as_char(), b.as_char()) {
        return Ok(a.cmp(&b));
    }
    if let (Ok(a), Ok(b)) = (a.as_bool(), b.as_bool()) {
        return Ok(a.cmp(&b));
    }
    Ok(Ordering::Equal)
}

/// A stable merge sort of `array`, which stays as it was if `less` fails.
///
/// It sorts places and not values, so nothing is ever missing from the array while `less` runs script code. An order
/// that contradicts itself gives some order, and ends as soon as any other.
fn merge_sort(array: &mut Array, mut less: impl FnMut(&Dynamic, &Dynamic) -> Answer<bool>) -> Answer<()> {
    let len = array.len();
    cost::room(len.saturating_mul(2 * size_of::<usize>() + SLOT))?;
    let mut from: Vec<usize> = (0..len).collect();
    let mut to = vec![0; len];
    let mut width = 1;
    while width < len {
        for start in (0..len).step_by(width * 2) {
            let middle = (start + width).min(len);
            let end = (start + width * 2).min(len);
            merge(&from[start..middle], &from[middle..end], &mut to[start..end], |a, b| {
                less(&array[a], &array[b])
            })?;
        }
        std::mem::swap(&mut from, &mut to);
        width *= 2;
        cost::steps(len / 16)?;
    }
    let mut values: Vec<Dynamic> = std::mem::take(array);
    *array = from.into_iter().map(|place| std::mem::take(&mut values[place])).collect();
    Ok(())
}

/// Merges two sorted runs. The right one goes first only if it is less, which keeps equal values in order.
fn merge(
    left: &[usize],
    right: &[usize],
    out: &mut [usize],
    mut less: impl FnMut(usize, usize) -> Answer<bool>,
) -> Answer<()> {
    let (mut i, mut j) = (0, 0);
    // Runs that are in order already need one comparison only.
    let ordered = match (left.last(), right.first()) {
        (Some(&last), Some(&first)) => !less(first, last)?,
        _ => true,
    };
    for slot in out {
        let take_left = j == right.len() || (i < left.len() && (ordered || !less(right[j], left[i])?));
        *slot = if take_left { left[i] } else { right[j] };
        if take_left { i += 1 } else { j += 1 }
    }
    Ok(())
}
