//! Small real servers on 127.0.0.1, each on a port of its own for as long as the test runs.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Serves every connection with a conversation.
pub(crate) fn tcp(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for wire in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(wire));
        }
    });
    port
}

/// Hears one line; what came of it when the peer leaves.
pub(crate) fn line(wire: &mut TcpStream) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\n") && wire.read(&mut byte).is_ok_and(|n| n == 1) {
        line.push(byte[0]);
    }
    String::from_utf8_lossy(&line).into_owned()
}

/// Says something to whoever is still there.
pub(crate) fn say(wire: &mut TcpStream, bytes: &[u8]) {
    let _ = wire.write_all(bytes);
}

/// Says something, and whether it could be said.
pub(crate) fn try_say(wire: &mut TcpStream, bytes: &[u8]) -> bool {
    wire.write_all(bytes).is_ok()
}

/// Ends a connection by a reset.
pub(crate) fn reset(wire: TcpStream) {
    let socket = socket2::Socket::from(wire);
    socket.set_linger(Some(Duration::ZERO)).expect("a socket");
}

/// Answers every datagram with those.
pub(crate) fn udp(answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("its address").port();
    thread::spawn(move || {
        let mut heard = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut heard) {
            for one in answer(&heard[..length]) {
                let _ = socket.send_to(&one, from);
            }
        }
    });
    port
}

/// Answers every datagram as it came, from a new port of that address.
pub(crate) fn udp_from_elsewhere(address: &str) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("its address").port();
    let other = UdpSocket::bind((address, 0)).expect("a port");
    thread::spawn(move || {
        let mut heard = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut heard) {
            let _ = other.send_to(&heard[..length], from);
        }
    });
    port
}

/// Answers one datagram with as many as it can send in two seconds.
pub(crate) fn udp_flood() -> u16 {
    udp(|heard| (0..20_000).map(|_| heard.to_vec()).collect())
}

/// A UDP port on which nothing listens.
pub(crate) fn free_udp() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("its address").port()
}

/// A DNS server over UDP and over TCP that says its version.
pub(crate) fn dns() -> (u16, u16) {
    let over_udp = udp(|question| vec![version(question)]);
    let over_tcp = tcp(|mut wire| {
        let mut length = [0; 2];
        if wire.read_exact(&mut length).is_err() {
            return;
        }
        let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
        if wire.read_exact(&mut question).is_err() {
            return;
        }
        let answer = version(&question);
        let length = u16::try_from(answer.len()).expect("a short answer");
        // In two pieces, as networks do.
        say(&mut wire, &length.to_be_bytes()[..1]);
        thread::sleep(Duration::from_millis(30));
        say(&mut wire, &[&length.to_be_bytes()[1..], &answer].concat());
    });
    (over_udp, over_tcp)
}

/// The answer to a question for `version.bind`: the question's own bytes, as an authoritative response with one TXT.
fn version(question: &[u8]) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[2] = 0x84;
    answer[7] = 1;
    answer.extend(b"\xc0\x0c\x00\x10\x00\x03\x00\x00\x00\x00\x00\x07\x069.18.1");
    answer
}

/// A web server that answers each request by its method, path and head.
pub(crate) fn http(answer: impl Fn(&str, &str, &str) -> String + Send + Sync + 'static) -> u16 {
    tcp(move |mut wire| {
        let request = line(&mut wire);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let next = line(&mut wire);
            if next.is_empty() {
                return;
            }
            head += &next;
            if next == "\r\n" {
                break;
            }
        }
        let mut words = request.split(' ');
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        say(&mut wire, answer(method, path, &head).as_bytes());
    })
}

/// A TLS server that answers whatever is said inside with that.
pub(crate) async fn tls(answer: &'static [u8]) -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let key = rcgen::generate_simple_self_signed(["lab.example".to_owned()]).expect("a key");
    let chain = vec![key.cert.der().clone()];
    let secret = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, secret.expect("a key"))
        .expect("a certificate");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let at: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let listener = tokio::net::TcpListener::bind(at).await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    tokio::spawn(async move {
        while let Ok((wire, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut session) = acceptor.accept(wire).await else { return };
                let mut heard = [0; 256];
                if session.read(&mut heard).await.is_ok_and(|length| length > 0) {
                    let _ = session.write_all(answer).await;
                    let _ = session.flush().await;
                }
            });
        }
    });
    port
}
