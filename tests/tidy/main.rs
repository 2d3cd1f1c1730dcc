//! The source and the texts, read: house rules, and documentation held against the program.

mod docs;
mod source;
mod web;
