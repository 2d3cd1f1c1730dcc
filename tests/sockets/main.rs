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

/// A network of one link for each client; each change is an instant, a key of the link and its new value.
fn changing(duration: &str, delay: &str, changes: &[[&str; 3]]) -> String {
    let mut text = format!(
        "duration = \"{duration}\"\n[link.path]\ndelay = \"{delay}\"\nper_client = true\n\
         [[clients]]\nname = \"one\"\npath = [\"path\"]\napp = {{ kind = \"bulk\" }}\n"
    );
    for [at, key, value] in changes {
        text += &format!("[[schedule]]\nat = \"{at}\"\nset = {{ \"link.path.{key}\" = \"{value}\" }}\n");
    }
    text
}
