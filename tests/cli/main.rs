//! The program from outside: its commands, files, terminals, signals and exits.

mod program;
#[path = "../common/sockets.rs"]
mod sockets;

mod bad_input;
mod captures;
mod chat_client;
mod chat_files;
mod chat_places;
mod chat_refusals;
mod claims;
mod commands;
mod endings;
mod first_steps;
mod headline;
mod interrupts;
mod kept;
mod labs;
mod limits;
mod live_captures;
mod live_cli;
mod live_scenario;
mod never_connects;
mod owed;
mod own_controller;
mod plots;
mod probe_admin;
mod proxy_admin;
mod result_folder;
mod shards;
mod terminal;
mod tls;
mod validate;
mod verify;
