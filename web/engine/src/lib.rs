//! The engine for a page, in three functions: room for a request is [`reserve`]d, JSON is written there, [`answer`]
//! handles it, and the answer, JSON too, lies at [`reply`]. One instance answers one request at a time. It imports one
//! function, which decides for the controller `own`.

mod own;

use std::cell::RefCell;

use testbed::congestion;
use testbed::embed::Desk;

thread_local! {
    static TABLE: RefCell<Table> = RefCell::new(Table::new());
}

struct Table {
    desk: Desk,
    request: Vec<u8>,
    reply: String,
}

impl Table {
    fn new() -> Table {
        // Its name is nobody else's.
        let _ = congestion::register(vec![&own::OWN]);
        Table { desk: Desk::new(), request: Vec::new(), reply: String::new() }
    }
}

/// Room for a request of so many bytes: its address.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(bytes: usize) -> *mut u8 {
    TABLE.with_borrow_mut(|table| {
        table.request = vec![0; bytes];
        table.request.as_mut_ptr()
    })
}

/// Handles the request that was written: the length of the answer in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> usize {
    TABLE.with_borrow_mut(|table| {
        let request = std::mem::take(&mut table.request);
        table.reply = table.desk.answer(&String::from_utf8_lossy(&request));
        table.reply.len()
    })
}

/// Address of the answer.
#[unsafe(no_mangle)]
pub extern "C" fn reply() -> *const u8 {
    TABLE.with_borrow(|table| table.reply.as_ptr())
}
