//! Work on several cells or pictures at once: each thread takes the next item, and results come in the
//! order of the items, so that they do not depend on the number of threads.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The results of `work` on each item, in their order. Where the system allows no further thread, the
/// calling one does all the work. A panic of `work` is passed on.
pub fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    map_on(cores, items, work)
}

fn map_on<T: Sync, R: Send>(threads: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let take = || {
        while let Some((item, result)) = {
            let place = next.fetch_add(1, Ordering::Relaxed);
            items.get(place).zip(results.get(place))
        } {
            let value = work(item);
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(items.len()) {
            if thread::Builder::new().spawn_scoped(scope, take).is_err() {
                break;
            }
        }
        take();
    });
    let results =
        results.into_iter().map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner));
    results.map(|result| result.expect("each item is taken once")).collect()
}

#[cfg(test)]
mod tests {
    use super::map_on;

    #[test]
    fn results_come_in_the_order_of_the_items_on_any_number_of_threads() {
        let items: Vec<u64> = (0..50).collect();
        for threads in [0, 1, 2, 7, 100] {
            // The first items take longest.
            let squares = map_on(threads, &items, |n| {
                (*n..50).for_each(|_| std::thread::yield_now());
                n * n
            });
            assert!(squares.iter().enumerate().all(|(n, square)| *square == (n * n) as u64), "{threads}");
            assert_eq!(squares.len(), items.len());
        }
        assert!(map_on(2, &[] as &[u64], |n| *n).is_empty());
    }
}
