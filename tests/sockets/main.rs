//! Servers and networks of this process on real sockets. Two tests at a time wait more than they work: what
//! needs the processor is tested elsewhere.

#[path = "../common/sockets.rs"]
mod sockets;

mod abuse;
mod admin_port;
mod dialects;
mod endings;
mod floods;
mod gateway;
mod hearing;
mod reliable;
mod resets;
mod schedules;
mod web;
mod web_api;
mod web_attacks;
mod web_own;
mod web_page;
