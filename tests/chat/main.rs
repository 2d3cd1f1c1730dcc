//! Dialects and rooms without sockets: every exchange passes through memory.

mod hall;

mod conversations;
mod corpus;
mod dialect_clients;
mod dialect_rooms;
mod forgery;
mod fuzz_dialects;
mod original_servers;
mod private_texts;
mod program_0;
