//! The five dialects on real sockets, to the byte, as captured from the original programs: what a
//! client of each says, and what it and the others hear. Times of day are replaced by `T` before
//! the comparison.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use crate::reliable::Reliable;
use crate::sockets::{Running, usual};
use testbed::chat::protocol::{JSON_LINES, PIPE, RELIABLE, ROOMS, SLASH, SLASH_OR_PIPE};

/// Program 2, variant A.
#[test]
fn slash_talks_like_program_2() {
    let server = Running::start(usual(), &[SLASH]);
    let mut alice = server.connect(SLASH);
    alice.hears("[T] [SERVER] Welcome to the TCP Chat Server! There are 1 clients connected.");
    alice.hears("[T] [SERVER] Please enter your username:");
    alice.says("alice");
    alice.hears("[T] [SERVER] Welcome, alice! Type /help for available commands.");
    let mut bob = server.connect(SLASH);
    bob.hears("[T] [SERVER] Welcome to the TCP Chat Server! There are 2 clients connected.");
    bob.hears("[T] [SERVER] Please enter your username:");
    bob.says("/list");
    bob.hears("[T] [SERVER] Please enter your username:");
    bob.says("alice");
    bob.hears("[T] [SERVER] Username 'alice' is already taken. Please choose another:");
    bob.says("bob");
    bob.hears("[T] [SERVER] Welcome, bob! Type /help for available commands.");
    alice.hears("[T] [SERVER] User 'bob' has joined the chat.");
    alice.says("Hello everyone");
    bob.hears("[T] [alice] Hello everyone");
    alice.says("/HELP");
    alice.hears(
        "[T] [SERVER] Available commands:\n  /help - Show available commands\n  /list - List all connected users\n  \
         /whisper - Send a private message to a user: /whisper <username> <message>\n  /exit - Disconnect from the \
         server\n  /nick - Change your username: /nick <new_username>\n",
    );
    alice.says("/list");
    alice.hears("[T] [SERVER] Connected users (2):\n  - alice\n  - bob\n");
    alice.says("/whisper bob secret text");
    bob.hears("[T] [PRIVATE FROM alice] secret text");
    alice.hears("[T] [PRIVATE TO bob] secret text");
    alice.says("/whisper nobody hi");
    alice.hears("[T] [SERVER] User 'nobody' not found.");
    alice.says("/whisper bob");
    alice.hears("[T] [SERVER] Usage: /whisper <username> <message>");
    alice.says("/nick bob");
    alice.hears("[T] [SERVER] Username 'bob' is already taken.");
    alice.says("/nick");
    alice.hears("[T] [SERVER] Usage: /nick <new_username>");
    alice.says("/nick alice2");
    alice.hears("[T] [SERVER] Your username has been changed to 'alice2'.");
    bob.hears("[T] [SERVER] User 'alice' is now known as 'alice2'.");
    alice.says("/foo");
    alice.hears("[T] [SERVER] Unknown command: /foo. Type /help for available commands.");
    bob.says("/exit");
    bob.hears("[T] [SERVER] Disconnecting...");
    alice.hears("[T] [SERVER] User 'bob' has left the chat.");
    bob.is_closed();
}

/// Program 2, variant B: the server gives names.
#[test]
fn slash_can_give_names() {
    let mut settings = usual();
    settings.dialects.assign_names = true;
    let server = Running::start(settings, &[SLASH]);
    let mut first = server.connect(SLASH);
    first.hears("[T] [SERVER] Welcome to the TCP Chat Server! There are 1 clients connected.");
    first.hears("[T] [SERVER] You have been assigned the username 'User 1'. You can change it using the /nick command.");
    let mut second = server.connect(SLASH);
    second.ignores();
    first.hears("[T] [SERVER] User 'User 2' has joined the chat.");
}

/// Program 3: rooms, prompts, and the two ways its clients hide.
#[test]
fn rooms_talks_like_program_3() {
    let server = Running::start(usual(), &[ROOMS]);
    let mut alice = server.joined(ROOMS, "alice", "Connected to the server");
    let mut bob = server.joined(ROOMS, "bob", "Connected to the server");
    alice.hears("Server: bob is online!");
    alice.says("/members");
    alice.hears("Active chat members are:\n1. alice\n2. bob\n");
    bob.says("/broadcast");
    bob.hears("Enter your message: ");
    bob.says("hello all");
    alice.hears("\n--------------\nbob  T\nhello all\n--------------");
    bob.hears("Message broadcasted!");
    // Scripted clients send both at once.
    bob.says("/broadcasthello again");
    bob.hears("Enter your message: ");
    alice.hears("\n--------------\nbob  T\nhello again\n--------------");
    bob.hears("Message broadcasted!");
    alice.says("/get_rooms");
    alice.hears("No rooms available");
    alice.says("/create_room room1");
    alice.hears("Room room1 created successfully!");
    bob.says("/create_room room1");
    bob.hears("Room room1 already exists");
    bob.says("/get_rooms ");
    bob.hears("Rooms:\nroom1");
    bob.says("/join nope");
    bob.hears("Room nope does not exist!");
    bob.says("/join room1");
    bob.hears("Joined room room1 successfully!");
    bob.says("/join room1");
    bob.hears("You are already a member of this room room1.");
    alice.says("/room room1 hi room");
    alice.hears("\n[room1 | T]\nalice: hi room");
    bob.hears("\n[room1 | T]\nalice: hi room");
    alice.says("/room nope hi");
    alice.hears("Room does not exist");
    bob.says("/leave room1");
    bob.hears("Left room room1");
    bob.says("/leave room1");
    bob.hears("Room does not exist or not a member");
    // The older client sends the name, the newest its next command.
    alice.says("/hide");
    alice.hears("Enter nickname to hide");
    alice.says("alice");
    alice.hears("You are now invisible!");
    bob.says("/members");
    bob.hears("Active chat members are:\n1. bob\n");
    alice.says("/reveal");
    alice.hears("Enter nickname to show");
    alice.says("/members");
    alice.hears("You are now visible to other users!");
    alice.hears("Active chat members are:\n1. bob\n2. alice\n");
    alice.says("/dm bob psst");
    bob.hears("\n[DM | T]\nalice: psst");
    alice.says("/dm nobody psst");
    alice.hears("User not found.");
    alice.says("/dm bob");
    alice.hears("Usage: /dm <user> <message>");
    alice.says("/join");
    alice.hears("Usage: /join <room>");
    alice.says("grüße ohne Befehl");
    alice.says("/quit");
    alice.hears("Server: Bye");
    bob.hears("alice is offline");
    alice.is_closed();
    // A taken name gets a number.
    let mut other = server.joined(ROOMS, "Bob", "Connected to the server");
    other.hears("Server: 'Bob' is taken; you are Bob_2");
}

/// Program 4: its welcome, its list at every change, its errors.
#[test]
fn pipe_talks_like_program_4() {
    let server = Running::start(usual(), &[PIPE]);
    let mut alice = server.joined(PIPE, "alice", "WELCOME|Connected successfully!");
    alice.hears("USERS|alice");
    let mut bob = server.joined(PIPE, "bob", "WELCOME|Connected successfully!");
    bob.hears("USERS|alice,bob");
    alice.hears("USERS|alice,bob");
    alice.says("bob|Hello there Bob");
    bob.hears("MSG|alice|Hello there Bob");
    alice.says("bob|a|b|c");
    bob.hears("MSG|alice|a\u{a6}b\u{a6}c");
    alice.says("alice|to myself");
    alice.hears("MSG|alice|to myself");
    alice.says("nobody|hi");
    alice.hears("SYSTEM|User 'nobody' is not online.");
    alice.says("no separator");
    alice.says("all|to everyone");
    bob.hears("MSG|alice|to everyone");
    let mut second = server.joined(PIPE, "alice", "ERROR|Username already taken.");
    second.is_closed();
    let mut odd = server.joined(PIPE, "a,b", "ERROR|Invalid username: use letters, digits, _ and -.");
    odd.is_closed();
    // The refused namesake has not evicted her.
    bob.says("alice|still there?");
    alice.hears("MSG|bob|still there?");
    drop(bob);
    alice.hears("USERS|alice");
}

/// Program 4's limit, in its words.
#[test]
fn a_full_server_says_so_in_every_dialect() {
    let settings = testbed::live::server::Settings { max_people: 1, ..usual() };
    let server = Running::start(settings, &[PIPE, JSON_LINES, ROOMS, SLASH]);
    let mut alice = server.joined(PIPE, "alice", "WELCOME|Connected successfully!");
    alice.hears("USERS|alice");
    server.joined(PIPE, "bob", "ERROR|Server is full.").is_closed();
    server.joined(ROOMS, "bob", "Server: Server is full").is_closed();
    let join = "{\"type\": \"join\", \"username\": \"bob\"}\n";
    server.joined(JSON_LINES, join, "{\"type\": \"error\", \"message\": \"Server is full\"}\n").is_closed();
    let mut bob = server.connect(SLASH);
    bob.ignores();
    bob.says("bob");
    bob.hears("[T] [SERVER] Server is full.");
    bob.is_closed();
}

/// Program 1.
#[test]
fn json_lines_talks_like_program_1() {
    let server = Running::start(usual(), &[JSON_LINES]);
    let join = |name: &str| format!("{{\"type\": \"join\", \"username\": \"{name}\"}}\n");
    let mut alice = server.joined(
        JSON_LINES,
        &join("alice"),
        "{\"type\": \"welcome\", \"message\": \"Welcome to the chat, alice!\", \"users\": [\"alice\"], \"timestamp\": T}\n",
    );
    let mut bob = server.joined(
        JSON_LINES,
        &join(" bob "),
        "{\"type\": \"welcome\", \"message\": \"Welcome to the chat, bob!\", \"users\": [\"alice\", \"bob\"], \"timestamp\": T}\n",
    );
    alice.hears("{\"type\": \"user_joined\", \"username\": \"bob\", \"message\": \"bob joined the chat\", \"timestamp\": T}\n");
    bob.says("{\"type\": \"chat\", \"message\": \"Grüße\"}\n");
    let chat =
        "{\"type\": \"chat\", \"username\": \"bob\", \"message\": \"Gr\\u00fc\\u00dfe\", \"timestamp\": T}\n";
    alice.hears(chat);
    bob.hears(chat);
    bob.says("{\"type\": \"ping\"}\n");
    bob.hears("{\"type\": \"pong\"}\n");
    let taken = "{\"type\": \"error\", \"message\": \"Username already taken\"}\n";
    server.joined(JSON_LINES, &join("bob"), taken).is_closed();
    let invalid = "{\"type\": \"error\", \"message\": \"Invalid username\"}\n";
    server.joined(JSON_LINES, &join(&"x".repeat(21)), invalid).is_closed();
    server.joined(JSON_LINES, "no JSON\n", invalid).is_closed();
    bob.says("{broken\n");
    bob.is_closed();
    alice.hears("{\"type\": \"user_left\", \"username\": \"bob\", \"message\": \"bob left the chat\", \"timestamp\": T}\n");
}

/// One room system: who speaks one dialect talks with who speaks another, and the originals' names
/// are told apart by more than case and blanks.
#[test]
fn people_of_all_dialects_talk_with_each_other() {
    let kinds = [RELIABLE, JSON_LINES, SLASH_OR_PIPE, ROOMS];
    let server = Running::start(usual(), &kinds);
    let mut zero = Reliable::join(&server, "zero");
    let join = "{\"type\": \"join\", \"username\": \"one\"}\n";
    let welcome = "{\"type\": \"welcome\", \"message\": \"Welcome to the chat, one!\", \"users\": [\"zero\", \"one\"], \"timestamp\": T}\n";
    let mut one = server.joined(JSON_LINES, join, welcome);
    let mut two = server.connect(SLASH_OR_PIPE);
    // It waits for the greeting, and so is program 2's.
    two.hears("[T] [SERVER] Welcome to the TCP Chat Server! There are 3 clients connected.");
    two.ignores();
    two.says("Zero");
    two.hears("[T] [SERVER] Username 'Zero' is already taken. Please choose another:");
    two.says("two");
    two.ignores();
    let mut three = server.joined(ROOMS, "three", "Connected to the server");
    // It speaks first, and so is program 4's.
    let mut four = server.joined(SLASH_OR_PIPE, "four", "WELCOME|Connected successfully!");
    four.hears("USERS|zero,one,two,three,four");
    for name in ["one", "two", "three", "four"] {
        zero.hears_chat(&format!("*** {name} joined the chat ***"));
    }
    one.ignores();
    two.ignores();
    three.ignores();
    four.says("all|hello");
    zero.hears_chat("[four]: hello");
    one.hears("{\"type\": \"chat\", \"username\": \"four\", \"message\": \"hello\", \"timestamp\": T}\n");
    two.hears("[T] [four] hello");
    three.hears("\n--------------\nfour  T\nhello\n--------------");
    two.says("/whisper four psst");
    four.hears("MSG|two|psst");
}
