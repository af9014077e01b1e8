//! The rules of the module's docs, each reached.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    task::Waker,
};

use super::*;

fn pool() -> Arc<StackPool> {
    Arc::new(StackPool::new(8 << 20))
}

fn task<T: Send + 'static>(pool: &Arc<StackPool>, f: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    Task::new(pool, 1 << 20, u64::MAX, f).unwrap()
}

/// Says when it is dropped.
struct Witness(Arc<AtomicUsize>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_closure_that_never_waits_finishes_at_the_first_poll() {
    assert_eq!(task(&pool(), || 7).await, Ok(7));
}

#[tokio::test]
async fn waiting_suspends_the_closure_and_not_the_thread() {
    let (send, receive) = tokio::sync::oneshot::channel();
    let waiting = task(&pool(), move || block_on(receive).unwrap().unwrap());
    let (got, ()) = tokio::join!(waiting, async { send.send(5).unwrap() });
    assert_eq!(got, Ok(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn coroutines_move_between_threads() {
    let pool = pool();
    let tasks: Vec<_> = (0..200_u64)
        .map(|i| {
            tokio::spawn(task(&pool, move || {
                let mut sum = vec![i];
                for n in 0..50 {
                    yield_now().unwrap();
                    sum.push(n);
                }
                sum.iter().sum::<u64>()
            }))
        })
        .collect();
    for (i, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), Ok(i as u64 + 1225));
    }
}

#[test]
fn dropping_a_waiting_task_cancels_it_once_and_runs_its_destructors() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let cancelled = Arc::new(AtomicUsize::new(0));
    let (witness, seen) = (Witness(dropped.clone()), cancelled.clone());
    let mut waiting = task(&pool(), move || {
        let _witness = witness;
        // A cancelled run cannot wait again: the loop ends by itself only because it looks at the result.
        while block_on(std::future::pending::<()>()) != Err(Cancelled) {}
        seen.fetch_add(1, Ordering::SeqCst);
        assert_eq!(yield_now(), Err(Cancelled));
    });
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut waiting).poll(&mut cx).is_pending());
    assert!(current().is_none(), "a parked coroutine is not current");
    drop(waiting);
    assert_eq!((cancelled.load(Ordering::SeqCst), dropped.load(Ordering::SeqCst)), (1, 1));
}

#[test]
fn dropping_a_task_that_never_ran_drops_its_closure() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let witness = Witness(dropped.clone());
    drop(task(&pool(), move || drop(witness)));
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_panic_ends_at_the_root_and_the_stack_is_reused() {
    let pool = pool();
    let failed = task(&pool, || -> u32 { panic!("broken {}", 1) }).await;
    assert_eq!(failed, Err(Lost::Panicked("broken 1".into())));
    assert_eq!(task(&pool, || 3).await, Ok(3));
}

#[tokio::test]
async fn coroutines_nest() {
    let (outer_pool, inner_pool) = (pool(), pool());
    let outer = task(&outer_pool, move || {
        let inner = task(&inner_pool, || {
            yield_now().unwrap();
            set_local(&"inner".to_owned(), || with_local(|name: &String, _| name.clone()))
        });
        set_local(&"outer".to_owned(), || {
            let inner = block_on(inner).unwrap().unwrap();
            (inner, with_local(|name: &String, _| name.clone()))
        })
    });
    assert_eq!(outer.await, Ok((Some("inner".into()), Some("outer".into()))));
}

#[test]
fn local_state_is_there_only_inside_and_only_as_its_own_type() {
    assert_eq!(with_local(|n: &u32, _| *n), None);
    let inside = task(&pool(), || {
        set_local(&1_u32, || {
            let nested = set_local(&2_u32, || with_local(|n: &u32, _| *n));
            (with_local(|n: &u64, _| *n), nested, with_local(|n: &u32, _| *n))
        })
    });
    let mut inside = inside;
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(Pin::new(&mut inside).poll(&mut cx), Poll::Ready(Ok((None, Some(2), Some(1)))));
}

#[tokio::test]
async fn the_meter_counts_what_the_closure_allocates_and_nothing_else() {
    let (used, peak) = Task::new(&pool(), 1 << 20, u64::MAX, || {
        let meter = frame().unwrap().meter();
        let kept = std::hint::black_box(vec![0_u8; 10_000]);
        yield_now().unwrap();
        drop(std::hint::black_box(vec![0_u8; 50_000]));
        let live = meter.live();
        drop(kept);
        (live, meter.peak())
    })
    .unwrap()
    .await
    .unwrap();
    assert!((10_000..10_500).contains(&used), "{used}");
    assert!((60_000..60_500).contains(&peak), "{peak}");
}

#[test]
fn a_deep_stack_is_noticed_before_it_is_used_up_and_given_back_afterwards() {
    fn dive(depth: usize) -> usize {
        let filler = std::hint::black_box([0_u8; 4096]);
        if frame().unwrap().stack_is_low() { depth } else { dive(depth + 1) + usize::from(filler[0]) }
    }
    let pool = pool();
    let depth = futures_ready(task(&pool, || dive(0))).unwrap();
    assert!((50..=256).contains(&depth), "{depth}");
}

#[tokio::test]
async fn processor_time_does_not_grow_while_waiting() {
    let cpu = task(&pool(), || {
        block_on(tokio::time::sleep(Duration::from_millis(30))).unwrap();
        frame().unwrap().cpu_time()
    });
    assert!(cpu.await.unwrap() < Duration::from_millis(25));
}

/// Polls once; the task must finish.
fn futures_ready<F: Future + Unpin>(mut future: F) -> F::Output {
    let mut cx = Context::from_waker(Waker::noop());
    match Pin::new(&mut future).poll(&mut cx) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

#[tokio::test]
async fn a_task_that_allocates_beyond_its_ceiling_is_abandoned_only_where_it_may_be() {
    let grow = || std::hint::black_box(vec![0_u8; 200_000]).len();
    let run =
        |f: fn(&dyn Fn() -> usize) -> usize| Task::new(&pool(), 1 << 20, 100_000, move || f(&grow)).unwrap();
    assert_eq!(run(|grow| grow()).await, Ok(200_000));
    assert_eq!(run(|grow| interruptible(|| uninterrupted(grow))).await, Ok(200_000));
    assert_eq!(run(|grow| interruptible(grow)).await, Err(Lost::Abandoned));
    assert!(current().is_none());
    assert_eq!(run(|grow| interruptible(|| 1) + grow()).await, Ok(200_001));
}
