//! A hash map whose copies share what has not changed, so that many versions of a large one cost little.

use std::{borrow::Borrow, collections::HashMap, hash::Hash, sync::Arc};

use crate::ScriptId;

/// With ten thousand entries, a change copies forty.
const SHARDS: usize = 256;

/// A map in parts. A copy shares all of them; a change copies one.
#[derive(Debug, Clone)]
pub(crate) struct SharedMap<K, V>(Arc<[Arc<HashMap<K, V>>]>);

/// Says quickly, and about evenly, in which part a key is.
pub(crate) trait Spread {
    fn spread(&self) -> usize;
}

impl Spread for str {
    fn spread(&self) -> usize {
        self.bytes().fold(self.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)))
    }
}

impl Spread for Arc<str> {
    fn spread(&self) -> usize {
        (**self).spread()
    }
}

impl Spread for ScriptId {
    fn spread(&self) -> usize {
        // The last byte of a UUIDv7 is random.
        usize::from(uuid::Uuid::from(*self).as_bytes()[15])
    }
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        let empty = Arc::new(HashMap::new());
        Self((0..SHARDS).map(|_| empty.clone()).collect())
    }
}

impl<K: Hash + Eq + Spread + Clone, V: Clone> SharedMap<K, V> {
    pub(crate) fn get<Q: Hash + Eq + Spread + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0[key.spread() % SHARDS].get(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.shard(key.spread()).insert(key, value);
    }

    pub(crate) fn remove<Q: Hash + Eq + Spread + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.get(key)?;
        self.shard(key.spread()).remove(key)
    }

    /// The part of a key, as this map's own.
    fn shard(&mut self, spread: usize) -> &mut HashMap<K, V> {
        Arc::make_mut(&mut Arc::make_mut(&mut self.0)[spread % SHARDS])
    }
}

impl<K: Hash + Eq + Spread + Clone, V: Clone> FromIterator<(K, V)> for SharedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        entries.into_iter().for_each(|(key, value)| map.insert(key, value));
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_share_until_they_differ() {
        let first: SharedMap<Arc<str>, u32> =
            (0..1000).map(|n| (format!("app-{n}.test").into(), n)).collect();
        let mut second = first.clone();
        second.insert("app-7.test".into(), 0);
        assert_eq!(second.remove("app-8.test"), Some(8));
        assert_eq!(second.remove("app-8.test"), None);
        let seen =
            |map: &SharedMap<Arc<str>, u32>| ["app-7.test", "app-8.test"].map(|key| map.get(key).copied());
        assert_eq!((seen(&first), seen(&second)), ([Some(7), Some(8)], [Some(0), None]));
        let copied = first.0.iter().zip(&*second.0).filter(|(a, b)| !Arc::ptr_eq(a, b)).count();
        assert!((1..=2).contains(&copied), "{copied} parts were copied");
        let largest = first.0.iter().map(|part| part.len()).max().unwrap();
        assert!(largest < 30, "the largest part has {largest} of 1000 entries");
    }
}
