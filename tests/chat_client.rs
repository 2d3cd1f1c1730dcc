//! `testbed chat` towards servers that refuse, lie or go, and what a script learns of it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};

use testbed::chat::protocol::Kind;

fn chat(address: &str, kind: Kind, nick: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.args(["chat", nick, "--dialect", kind.name(), "--address", address]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program runs")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn no_word_of_a_server_is_obeyed_by_the_terminal() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    std::thread::spawn(move || {
        let refusal = b"{\"type\": \"error\", \"message\": \"\\u001b[2J\\u0007\\nhelp: no\"}\n";
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(refusal);
        }
    });
    let output = chat(&address, Kind::JsonLines, "kim").wait_with_output().expect("it ends");
    let text = out(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("[2J") && !text.contains(['\x1b', '\x07']), "{text:?}");
    // Nor is it taken for this program's own.
    assert_eq!(text.lines().count(), 1, "{text}");
}
