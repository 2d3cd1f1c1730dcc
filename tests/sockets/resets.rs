//! Bytes sent before a reset are heard before it, over an emulated path and from socket to socket, in
//! both directions.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use testbed::live::gateway::{Conditions, Gateway, Options};
use testbed::live::proxy::Proxy;
use testbed::live::splice::{Moved, splice};

const ANSWER: &[u8] = b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno";
const PATIENCE: Duration = Duration::from_secs(60);

fn conditions(loss: &str, delay: &str) -> Conditions {
    let [loss, delay] = [loss, delay].map(|text| Some(text.to_owned()));
    let options = Options { loss, delay, ..Options::default() };
    options.conditions(None).unwrap_or_else(|error| panic!("{}", error.render(false)))
}

/// A proxy to `upstream` for the rest of the test; returns where it listens, and what ends it.
fn proxy(
    upstream: SocketAddr,
    conditions: &Conditions,
    max: usize,
) -> (SocketAddr, tokio::sync::watch::Sender<bool>) {
    let gateway = Gateway::start(conditions).expect("a thread");
    let stop = tokio::sync::watch::Sender::new(false);
    let stopped = stop.subscribe();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let proxy =
                Proxy::bind("127.0.0.1:0", &upstream.to_string(), gateway).await.expect("a free port");
            tell.send(proxy.address().expect("bound")).expect("somebody waits");
            proxy.with_max_connections(max).run(stopped).await;
        });
    });
    (told.recv_timeout(PATIENCE).expect("a proxy"), stop)
}

/// Reads to the end; returns what came and how it ended.
fn hear(stream: &mut TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let (mut heard, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (heard, None),
            Ok(read) => heard.extend_from_slice(&buffer[..read]),
            Err(error) => return (heard, Some(error.kind())),
        }
    }
}

/// Ends a connection by a reset at once.
fn reset(socket: TcpStream) {
    rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO)).expect("a socket");
    drop(socket);
}

/// An answer, then a reset because most of the question is unread.
#[test]
fn an_answer_arrives_before_the_reset_that_follows_it() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let upstream = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let _ = socket.read(&mut [0; 10]);
                std::thread::sleep(Duration::from_millis(100));
                let _ = socket.write_all(ANSWER);
            });
        }
    });
    let (address, _stop) = proxy(upstream, &conditions("5%", "5ms"), 100);
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(move || {
                let mut stream = TcpStream::connect(address).expect("the proxy listens");
                stream.write_all(&[b'P'; 5_000]).expect("an open connection");
                let (heard, end) = hear(&mut stream);
                assert_eq!((&heard[..], end), (ANSWER, Some(ErrorKind::ConnectionReset)));
            });
        }
    });
}

#[test]
fn a_question_arrives_before_the_reset_that_follows_it() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let upstream = listener.local_addr().expect("bound");
    let (address, _stop) = proxy(upstream, &conditions("5%", "5ms"), 100);
    for _ in 0..20 {
        let mut stream = TcpStream::connect(address).expect("the proxy listens");
        stream.write_all(b"question").expect("an open connection");
        stream.write_all(&[b'.'; 1_000]).expect("an open connection");
        // The other side's word, unread, makes the system reset.
        let (mut socket, _) = listener.accept().expect("the proxy connects");
        socket.write_all(b"word").expect("an open connection");
        stream.peek(&mut [0]).expect("the word");
        drop(stream);
        let (heard, end) = hear(&mut socket);
        assert_eq!((heard.len(), end), (1_008, Some(ErrorKind::ConnectionReset)));
    }
}

/// As a server does that is full. The reset may be there before the proxy knows that it is connected.
#[test]
fn words_of_a_server_that_resets_in_the_instant_of_connecting_arrive() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let upstream = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let _ = socket.write_all(ANSWER);
            reset(socket);
        }
    });
    let (address, _stop) = proxy(upstream, &conditions("0%", "1ms"), 100);
    for n in 0..100 {
        let heard = hear(&mut TcpStream::connect(address).expect("the proxy listens"));
        assert_eq!(heard, (ANSWER.to_vec(), Some(ErrorKind::ConnectionReset)), "connection {n}");
    }
}

#[test]
fn words_of_a_client_that_resets_in_the_instant_of_connecting_arrive() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let upstream = listener.local_addr().expect("bound");
    let (address, _stop) = proxy(upstream, &conditions("0%", "1ms"), 100);
    for n in 0..100 {
        let mut stream = TcpStream::connect(address).expect("the proxy listens");
        stream.write_all(b"question").expect("an open connection");
        reset(stream);
        let (mut socket, _) = listener.accept().expect("the proxy connects");
        assert_eq!(
            hear(&mut socket),
            (b"question".to_vec(), Some(ErrorKind::ConnectionReset)),
            "connection {n}"
        );
    }
}

/// The system tells of a reset once: after a write that heard of it, the next read looks like an end.
#[tokio::test]
async fn a_reset_that_a_write_has_heard_of_is_no_end_in_order() {
    let gateway = Gateway::start(&conditions("0%", "1ms")).expect("a thread");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    for n in 0..20 {
        let socket = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
        socket.set_nonblocking(true).expect("a socket");
        let (mut peer, _) = listener.accept().expect("a connection");
        peer.write_all(ANSWER).expect("an open connection");
        reset(peer);
        let [near, mut far] = gateway.open().await.expect("a connection");
        far.write_all(b"still talking").await.expect("an open connection");
        // Bytes to be written are there as early as the reset: either may be heard of first.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let socket = tokio::net::TcpStream::from_std(socket).expect("a socket");
        let moved = Moved::default();
        let carried = splice(socket, near, &moved, std::future::pending());
        let listen = async {
            let mut heard = Vec::new();
            let end = far.read_to_end(&mut heard).await.map_err(|error| error.kind());
            (heard, end)
        };
        let ended = tokio::time::timeout(PATIENCE, async { tokio::join!(carried, listen) });
        let (_, heard) = ended.await.expect("an end");
        assert_eq!(heard, (ANSWER.to_vec(), Err(ErrorKind::ConnectionReset)), "connection {n}");
    }
}

/// On a path so bad that a reset of TCP's own would come too early, or never.
#[tokio::test]
async fn a_reset_crosses_a_path_behind_everything_and_is_not_lost() {
    let gateway = Gateway::start(&conditions("30%", "1ms")).expect("a thread");
    for _ in 0..10 {
        let [mut near, mut far] = gateway.open().await.expect("a connection");
        far.write_all(ANSWER).await.expect("an open connection");
        far.abort();
        drop(far);
        let mut heard = Vec::new();
        let error = tokio::time::timeout(PATIENCE, near.read_to_end(&mut heard)).await.expect("an end");
        assert_eq!(error.map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
        assert_eq!(heard, ANSWER);
    }
}

/// As when a server that was told to go away says why, and its client talks on.
#[tokio::test]
async fn last_words_arrive_though_the_client_talks_on() {
    let gateway = Gateway::start(&conditions("10%", "5ms")).expect("a thread");
    for _ in 0..10 {
        let [near, mut far] = gateway.open().await.expect("a connection");
        let (mut reads, mut writes) = tokio::io::split(near);
        let talk = async { while writes.write_all(&[b'x'; 1_000]).await.is_ok() {} };
        let part = async move {
            far.read_exact(&mut [0; 10]).await.expect("a beginning");
            far.write_all(ANSWER).await.expect("an open connection");
        };
        let listen = async {
            let mut heard = Vec::new();
            let _ = reads.read_to_end(&mut heard).await;
            heard
        };
        let ended = tokio::time::timeout(PATIENCE, async { tokio::join!(talk, part, listen) });
        assert_eq!(ended.await.expect("an end").2, ANSWER);
    }
}

/// Bytes read before the proxy was ended are still carried.
#[test]
fn a_proxy_that_ends_delivers_what_it_has_read() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let upstream = listener.local_addr().expect("bound");
    let (address, stop) = proxy(upstream, &conditions("0%", "200ms"), 100);
    let mut stream = TcpStream::connect(address).expect("the proxy listens");
    let (mut socket, _) = listener.accept().expect("the proxy connects");
    stream.write_all(b"up").expect("an open connection");
    socket.write_all(b"down").expect("an open connection");
    // The handshake takes as long as a round trip: both are still under way.
    std::thread::sleep(Duration::from_millis(100));
    stop.send_replace(true);
    let reset = Some(ErrorKind::ConnectionReset);
    assert_eq!(hear(&mut stream), (b"down".to_vec(), reset));
    assert_eq!(hear(&mut socket), (b"up".to_vec(), reset));
}

#[test]
fn connections_beyond_the_limit_are_reset_and_a_place_is_free_again() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let upstream = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            std::thread::spawn(move || std::io::copy(&mut &socket, &mut &socket));
        }
    });
    let (address, _stop) = proxy(upstream, &conditions("0%", "1ms"), 2);
    let connect = || TcpStream::connect(address).expect("the proxy listens");
    let echoes =
        |stream: &mut TcpStream| stream.write_all(b"x").and_then(|()| stream.read_exact(&mut [0])).is_ok();
    let mut open = [connect(), connect()];
    assert!(open.iter_mut().all(echoes));
    assert_eq!(hear(&mut connect()), (Vec::new(), Some(ErrorKind::ConnectionReset)));
    drop(open);
    std::thread::sleep(Duration::from_millis(500));
    assert!(echoes(&mut connect()));
}
