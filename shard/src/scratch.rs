//! One read buffer a thread, so that ten thousand idle connections need none of their own.

use std::cell::RefCell;

/// Bytes that one read takes at most.
pub const SCRATCH_BYTES: usize = 64 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// Lends the thread's buffer for a stretch of code that does not wait.
pub fn with_scratch<R>(f: impl FnOnce(&mut [u8]) -> R) -> R {
    SCRATCH.with(|s| match s.try_borrow_mut() {
        Ok(mut buf) => f(&mut buf),
        // Lent already, further up in this call chain: take a small one of its own.
        Err(_) => f(&mut [0; 4096]),
    })
}
