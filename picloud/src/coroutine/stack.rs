//! Pooled stacks: reserved generously, committed only as touched, given back when touched deeply.

use std::{
    io,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use corosensei::stack::{DefaultStack, Stack as _};

/// Bytes at the top of an idle stack that stay committed: what an ordinary run touches.
const KEEP_COMMITTED: usize = 64 * 1024;
/// Idle stacks a shard keeps; more are unmapped.
const IDLE_PER_SHARD: usize = 64;
/// A power of two, more than the cores of the machines this is for.
const SHARDS: usize = 16;

/// A stack with a guard page below it.
pub(super) struct Stack(DefaultStack);

impl Stack {
    fn map(bytes: usize) -> io::Result<Self> {
        let stack = Self(DefaultStack::new(bytes)?);
        stack.advise_small_pages();
        Ok(stack)
    }

    pub(super) fn into_inner(self) -> DefaultStack {
        self.0
    }

    /// The lowest usable address: above the guard page.
    fn bottom(&self) -> usize {
        self.0.limit().get() + page_size()
    }

    fn top(&self) -> usize {
        self.0.base().get()
    }

    /// Asks for 4 KiB pages: with transparent huge pages, one touched byte would commit 2 MiB.
    #[cfg(target_os = "linux")]
    fn advise_small_pages(&self) {
        self.advise(self.bottom(), self.top(), libc::MADV_NOHUGEPAGE);
    }

    #[cfg(not(target_os = "linux"))]
    fn advise_small_pages(&self) {}

    /// Gives all but the top of the stack back to the system. Its contents are lost.
    #[cfg(unix)]
    fn discard_depth(&mut self) {
        let top = self.top() - KEEP_COMMITTED;
        if top > self.bottom() {
            self.advise(self.bottom(), top, libc::MADV_DONTNEED);
        }
    }

    #[cfg(not(unix))]
    fn discard_depth(&mut self) {}

    /// `madvise` over whole pages of this stack. A refusal only costs memory, so it is ignored.
    #[cfg(unix)]
    fn advise(&self, from: usize, to: usize, advice: libc::c_int) {
        // SAFETY: `from..to` lies inside the mapping that `self.0` owns, on page boundaries (the mapping and
        // KEEP_COMMITTED are multiples of the page size, or madvise refuses). NOHUGEPAGE changes no contents.
        // DONTNEED is only passed by `discard_depth`, whose `&mut self` shows that no coroutine is on this stack:
        // a coroutine owns its stack.
        unsafe {
            libc::madvise(from as *mut libc::c_void, to - from, advice);
        }
    }
}

#[cfg(unix)]
fn page_size() -> usize {
    // SAFETY: `sysconf` reads a constant and has no preconditions.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

#[cfg(not(unix))]
fn page_size() -> usize {
    4096
}

/// Stacks of one size for reuse. Last in, first out, so that a warm one comes first.
///
/// The shards are locked with `try_lock` only: a thread never waits for another, it takes from the next shard or
/// maps a new stack.
pub(crate) struct StackPool {
    stack_bytes: usize,
    shards: [Mutex<Vec<Stack>>; SHARDS],
}

impl StackPool {
    /// An empty pool of stacks with at least `stack_bytes` of address space each.
    pub(crate) fn new(stack_bytes: usize) -> Self {
        Self { stack_bytes, shards: Default::default() }
    }

    pub(super) fn take(&self) -> io::Result<Stack> {
        let pooled = self.shards().find_map(|mut shard| shard.pop());
        pooled.map_or_else(|| Stack::map(self.stack_bytes), Ok)
    }

    /// Takes a stack back of which at most `touched` bytes from the top were written.
    pub(super) fn give_back(&self, stack: DefaultStack, touched: usize) {
        let mut stack = Stack(stack);
        if touched > KEEP_COMMITTED {
            stack.discard_depth();
        }
        if let Some(mut shard) = self.shards().find(|shard| shard.len() < IDLE_PER_SHARD) {
            shard.push(stack);
        }
    }

    /// The shards that nobody holds, this thread's own first.
    fn shards(&self) -> impl Iterator<Item = MutexGuard<'_, Vec<Stack>>> {
        let own = own_shard();
        (0..SHARDS).filter_map(move |i| self.shards[(own + i) % SHARDS].try_lock().ok())
    }
}

/// A number for each thread, so that threads spread over the shards.
#[inline(never)]
fn own_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    }
    OWN.try_with(|own| *own).unwrap_or(0)
}
