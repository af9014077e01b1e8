//! Comparing arrays and maps, and looking values up in arrays, with bounds on depth and on bytes compared.

use rhai::{Array, Dynamic, EvalAltResult, FnPtr, ImmutableString, Map, Module, NativeCallContext};

use super::{
    cost::{Answer, MAX_DEPTH, Spending},
    is_container, mutating, positions, pure,
};

type Ctx<'a> = NativeCallContext<'a>;

pub(super) fn add(module: &mut Module) {
    pure(module, "==", |ctx: Ctx<'_>, a: &mut Array, mut b: Array| {
        Equality::new(&ctx).run(|e| e.arrays(a, &mut b, 0))
    });
    pure(module, "!=", |ctx: Ctx<'_>, a: &mut Array, mut b: Array| {
        Equality::new(&ctx).run(|e| e.arrays(a, &mut b, 0)).map(|equal| !equal)
    });
    pure(module, "==", |ctx: Ctx<'_>, a: &mut Map, mut b: Map| {
        Equality::new(&ctx).run(|e| e.maps(a, &mut b, 0))
    });
    pure(module, "!=", |ctx: Ctx<'_>, a: &mut Map, mut b: Map| {
        Equality::new(&ctx).run(|e| e.maps(a, &mut b, 0)).map(|equal| !equal)
    });
    pure(module, "contains", |ctx: Ctx<'_>, array: &mut Array, value: Dynamic| {
        Ok::<bool, super::Refusal>(index_of(&ctx, array, value, 0)? >= 0)
    });
    pure(module, "index_of", |ctx: Ctx<'_>, array: &mut Array, value: Dynamic| {
        index_of(&ctx, array, value, 0)
    });
    pure(module, "index_of", |ctx: Ctx<'_>, array: &mut Array, value: Dynamic, start: i64| {
        index_of(&ctx, array, value, start)
    });
    // Rhai's forms for strings, which are deprecated, first take the string for the name of a function.
    pure(module, "index_of", |ctx: Ctx<'_>, array: &mut Array, value: ImmutableString| {
        index_of(&ctx, array, value.into(), 0)
    });
    pure(module, "index_of", |ctx: Ctx<'_>, array: &mut Array, value: ImmutableString, start: i64| {
        index_of(&ctx, array, value.into(), start)
    });
    add_dedup(module);
}

fn add_dedup(module: &mut Module) {
    mutating(module, "dedup", |ctx: Ctx<'_>, array: &mut Array| {
        let mut equality = Equality::new(&ctx);
        dedup(array, |kept, next| equality.values(kept, next, 0))
    });
    mutating(module, "dedup", |ctx: Ctx<'_>, array: &mut Array, comparer: FnPtr| {
        dedup(array, |kept, next| call(&ctx, &comparer, kept, next))
    });
    mutating(module, "dedup", |ctx: Ctx<'_>, array: &mut Array, name: ImmutableString| {
        let comparer = FnPtr::new(name)?;
        dedup(array, |kept, next| call(&ctx, &comparer, kept, next))
    });
}

fn call(ctx: &Ctx<'_>, comparer: &FnPtr, kept: &Dynamic, next: &Dynamic) -> Answer<bool> {
    Ok(comparer.call_raw(ctx, None, [kept.clone(), next.clone()])?.as_bool().unwrap_or(false))
}

/// The index of the first element from `start` on that equals `value`, or -1.
fn index_of(ctx: &Ctx<'_>, array: &mut Array, mut value: Dynamic, start: i64) -> Answer<i64> {
    let start = positions::element(array.len(), start);
    let mut equality = Equality::new(ctx);
    for (index, element) in array.iter_mut().enumerate().skip(start) {
        if equality.values(element, &mut value, 0)? {
            return Ok(i64::try_from(index).unwrap_or(i64::MAX));
        }
    }
    equality.spending.settle()?;
    Ok(-1)
}

/// Drops each element that is `same` as the one kept before it. After an error the array is as it was.
fn dedup(array: &mut Array, mut same: impl FnMut(&mut Dynamic, &mut Dynamic) -> Answer<bool>) -> Answer<()> {
    super::cost::room(array.len())?;
    let mut drop = vec![false; array.len()];
    let mut kept = 0;
    for (next, drop) in drop.iter_mut().enumerate().skip(1) {
        let (before, after) = array.split_at_mut(next);
        *drop = same(&mut before[kept], &mut after[0])?;
        if !*drop {
            kept = next;
        }
    }
    let mut drop = drop.into_iter();
    array.retain(|_| drop.next() != Some(true));
    Ok(())
}

/// One comparison, however deep.
struct Equality<'a, 'c> {
    ctx: &'a Ctx<'c>,
    spending: Spending,
}

impl<'a, 'c> Equality<'a, 'c> {
    fn new(ctx: &'a Ctx<'c>) -> Self {
        Self { ctx, spending: Spending::default() }
    }

    fn run(mut self, compare: impl FnOnce(&mut Self) -> Answer<bool>) -> Answer<bool> {
        let equal = compare(&mut self)?;
        self.spending.settle()?;
        Ok(equal)
    }

    fn arrays(&mut self, a: &mut Array, b: &mut Array, depth: usize) -> Answer<bool> {
        check_depth(depth)?;
        if a.len() != b.len() {
            return Ok(false);
        }
        for (a, b) in a.iter_mut().zip(b) {
            if !self.values(a, b, depth + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn maps(&mut self, a: &mut Map, b: &mut Map, depth: usize) -> Answer<bool> {
        check_depth(depth)?;
        if a.len() != b.len() {
            return Ok(false);
        }
        for (key, a) in a.iter_mut() {
            self.spending.work(key.len())?;
            let Some(b) = b.get_mut(key) else { return Ok(false) };
            if !self.values(a, b, depth + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn values(&mut self, a: &mut Dynamic, b: &mut Dynamic, depth: usize) -> Answer<bool> {
        self.spending.step()?;
        if a.is_shared() || b.is_shared() {
            return self.shared(a, b, depth);
        }
        if let (Ok(a), Ok(b)) = (a.as_int(), b.as_int()) {
            return Ok(a == b);
        }
        if let (Ok(a), Ok(b)) = (a.as_immutable_string_ref(), b.as_immutable_string_ref()) {
            return self.bytes(a.as_bytes(), b.as_bytes());
        }
        if let (Ok(mut a), Ok(mut b)) = (a.as_array_mut(), b.as_array_mut()) {
            return self.arrays(&mut a, &mut b, depth);
        }
        if let (Ok(mut a), Ok(mut b)) = (a.as_map_mut(), b.as_map_mut()) {
            return self.maps(&mut a, &mut b, depth);
        }
        if let (Ok(a), Ok(b)) = (a.as_blob_ref(), b.as_blob_ref()) {
            return self.bytes(&a, &b);
        }
        if is_container(a) || is_container(b) || a.is_blob() || b.is_blob() {
            return Ok(false);
        }
        self.operator(a, b)
    }

    fn bytes(&mut self, a: &[u8], b: &[u8]) -> Answer<bool> {
        if a.len() != b.len() {
            return Ok(false);
        }
        // The same bytes in the same place need not be read.
        if a.as_ptr() == b.as_ptr() {
            return Ok(true);
        }
        self.spending.work(a.len())?;
        Ok(a == b)
    }

    fn shared(&mut self, a: &Dynamic, b: &Dynamic, depth: usize) -> Answer<bool> {
        check_depth(depth)?;
        let (mut a, mut b) = (a.flatten_clone(), b.flatten_clone());
        if a.is_shared() || b.is_shared() {
            return Err("a captured value is in use and cannot be compared".into());
        }
        self.values(&mut a, &mut b, depth + 1)
    }

    /// What the operator `==` says, which types of the host may define.
    fn operator(&mut self, a: &mut Dynamic, b: &mut Dynamic) -> Answer<bool> {
        let same_type = a.type_id() == b.type_id();
        match self.ctx.call_native_fn_raw("==", true, &mut [a, &mut b.clone()]) {
            Ok(equal) => Ok(equal.as_bool().unwrap_or(false)),
            Err(error) => match *error {
                EvalAltResult::ErrorFunctionNotFound(ref name, _) if !same_type && name.starts_with("==") => {
                    Ok(false)
                }
                _ => Err(error),
            },
        }
    }
}

fn check_depth(depth: usize) -> Answer<()> {
    if depth < MAX_DEPTH {
        return Ok(());
    }
    Err(format!("values nested deeper than {MAX_DEPTH} levels cannot be compared").into())
}
