//! The chat: who is here and who hears what, the languages in which clients say so, and the people
//! who talk. Bytes in, bytes out: nothing here knows of TCP, sockets or the engine, so the same room
//! serves synthetic people in a world and, later, real ones on real sockets.
//!
//! * [`message`] – the vocabulary: requests, events and audiences.
//! * [`names`] – which names are fit, and which pass for one another.
//! * [`files`] – the words of a file transfer, and names that are safe.
//! * [`room`] – one pure function from (client, request) to deliveries.
//! * [`protocol`] – one file per dialect, bytes to requests and events to bytes.
//! * [`server`] – a room with the sessions of its connections.
//! * [`client`] – a synthetic person: when it speaks, how much, and to whom.
//! * [`marker`] – how the text of a synthetic message carries its number.

pub mod client;
pub mod files;
pub mod marker;
pub mod message;
pub mod names;
pub(crate) mod printable;
pub mod protocol;
mod refusal;
pub mod room;
pub mod server;
