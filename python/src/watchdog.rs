//! A limit on the time of each call into a controller. The engine reads no clock, so a thread of its own looks now
//! and then at which call each thread is in; one that has been in the same call for too long gets an exception.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ffi::c_long;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use pyo3::ffi;
use pyo3::prelude::*;

use crate::error::CallLimit;

/// Interval between two looks.
const MOMENT: Duration = Duration::from_millis(50);
/// Time between two exceptions for a call that catches the first.
const AGAIN: Duration = Duration::from_millis(500);
/// Limit of a call while a run is being interrupted.
const INTERRUPTED: Duration = Duration::from_millis(100);

/// Calls of one thread.
struct Calls {
    /// The thread, as Python numbers it.
    thread: c_long,
    /// Number of calls begun and ended: odd within a call.
    count: AtomicU64,
    /// Limit of the present call in milliseconds.
    limit_ms: AtomicU64,
}

static THREADS: Mutex<Vec<Arc<Calls>>> = Mutex::new(Vec::new());
static INTERRUPT: AtomicBool = AtomicBool::new(false);

thread_local! {
    static OWN: OnceCell<Registered> = const { OnceCell::new() };
}

/// Forgets a thread's calls when it ends.
struct Registered(Arc<Calls>);

impl Drop for Registered {
    fn drop(&mut self) {
        let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|calls| !Arc::ptr_eq(calls, &self.0));
    }
}

/// Makes a call that may take so long.
pub fn limited<T>(py: Python<'_>, limit_ms: u64, call: impl FnOnce() -> T) -> T {
    OWN.with(|own| {
        let calls = &own.get_or_init(|| Registered(register(py))).0;
        calls.limit_ms.store(limit_ms, Ordering::Relaxed);
        calls.count.fetch_add(1, Ordering::Relaxed);
        let result = call();
        calls.count.fetch_add(1, Ordering::Relaxed);
        result
    })
}

/// While a run is being interrupted no call may take long.
pub fn interrupt(is_on: bool) {
    INTERRUPT.store(is_on, Ordering::Relaxed);
}

fn register(py: Python<'_>) -> Arc<Calls> {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        // Without a thread there is no limit; the run itself would hardly start then.
        let _ = std::thread::Builder::new().name("calls".to_owned()).spawn(watch);
    });
    let ident = py.import("threading").and_then(|threading| threading.call_method0("get_ident"));
    let thread = ident.and_then(|ident| ident.extract::<u64>()).unwrap_or(0) as c_long;
    let calls = Arc::new(Calls { thread, count: AtomicU64::new(0), limit_ms: AtomicU64::new(u64::MAX) });
    THREADS.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&calls));
    calls
}

fn watch() {
    // The call in which a thread was seen, since when, and when it was stopped last.
    let mut seen: HashMap<c_long, (u64, Instant, Option<Instant>)> = HashMap::new();
    loop {
        std::thread::sleep(MOMENT);
        let threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner).clone();
        seen.retain(|thread, _| threads.iter().any(|calls| calls.thread == *thread));
        for calls in threads {
            let (count, now) = (calls.count.load(Ordering::Relaxed), Instant::now());
            let (before, since, stopped) = seen.entry(calls.thread).or_insert((count, now, None));
            if count % 2 == 0 || *before != count {
                (*before, *since, *stopped) = (count, now, None);
                continue;
            }
            let mut limit = Duration::from_millis(calls.limit_ms.load(Ordering::Relaxed));
            if INTERRUPT.load(Ordering::Relaxed) {
                limit = limit.min(INTERRUPTED);
            }
            if now - *since >= limit && stopped.is_none_or(|stopped| now - stopped >= AGAIN) {
                *stopped = Some(now);
                stop(&calls, count);
            }
        }
    }
}

/// Raises in the thread, if it is still in that call.
#[expect(unsafe_code, reason = "Python has no other way to stop another thread, and PyO3 no name for it")]
fn stop(calls: &Calls, count: u64) {
    Python::attach(|py| {
        if calls.count.load(Ordering::Relaxed) == count {
            // SAFETY: we hold the interpreter; the type lives as long as it does.
            unsafe { ffi::PyThreadState_SetAsyncExc(calls.thread, py.get_type::<CallLimit>().as_ptr()) };
        }
    });
}
