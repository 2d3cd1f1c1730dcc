//! The administrator's port, in program 0's format: a big-endian length of four bytes, then JSON;
//! one reply for each request, and the connection stays open.
//!
//! | `command` | `params` | reply |
//! | --- | --- | --- |
//! | `get_stats` | – | `connected_clients`, `total_messages`, `uptime`, `bytes_transferred`, `network`, `client_details` |
//! | `get_clients` | – | `clients`: `id`, `username`, `address`, and our figures |
//! | `get_rooms` | – | `rooms`: `room`, `private`, `owner`, `members`, `away`, `invited` |
//! | `get_log` | – | `lines`: the last ones of the log (ours) |
//! | `get_limits` | – | the limits by their names (ours) |
//! | `set_limits` | limits to be changed, by their names (ours) | the limits |
//! | `kick_client` | `client_id`, `keep_out` (`person`, `name` or `address`; ours) | `status` |
//! | `broadcast` | `message` | `status` |
//! | `close_room` | `room` | `status` |
//! | `set_network_sim` | `packet_loss_rate` (0 to 1) and `delay` (seconds, one way), `congestion` (ours), or `reset`; `name` of a person (ours) | `status` |
//! | `shutdown` | – | `status` |
//!
//! A proxy's administrators have no chat: `kick_client` and `broadcast` fail there, and its clients are
//! connections.
//!
//! A request that fails is answered by an object with `error`. Where a token is set, each request
//! carries it as `token`; who guesses has each one looked at only some time after the last.

mod client;
mod network;
mod places;
mod server;
mod shaping;
mod tail;
mod wire;

pub use client::Administrator;
pub use network::{NO_NETWORK, options_of};
pub use server::{Admin, bind, of_tcp, serve};
pub use shaping::Wanted;
pub use tail::Tail;
pub use wire::{ask, read_frame, write_frame};
