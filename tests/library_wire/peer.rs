//! The recording peer: it plays what a check's test writes down, or says yes to everything, and keeps every byte it hears.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postern::catalogue::recipe::{AnswerFile, Medium, PageFile};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;

use super::words::Line;

/// What a peer does.
#[derive(Clone)]
pub(crate) enum Plays {
    /// A conversation, line by line.
    Wire(Vec<Line>),
    /// Pages, by path.
    Pages(BTreeMap<String, PageFile>),
    /// DNS answers, by name.
    Answers(BTreeMap<String, AnswerFile>),
    /// It gives back what it hears, sends every browser on, and talks without an end.
    Yes,
}

/// Everything that a peer heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    /// What came over each connection, in order; inside TLS, what came within it.
    pub(crate) connections: Vec<Vec<u8>>,
    /// Each datagram.
    pub(crate) datagrams: Vec<Vec<u8>>,
}

impl Heard {
    /// Everything that was said in one go: a connection or a datagram.
    pub(crate) fn all(&self) -> impl Iterator<Item = &[u8]> {
        self.connections.iter().chain(&self.datagrams).map(Vec::as_slice)
    }
}

/// A peer on a port of its own.
pub(crate) struct Peer {
    port: u16,
    stage: Arc<Stage>,
    serves: JoinHandle<()>,
}

/// What the connections of a peer share.
struct Stage {
    plays: Plays,
    medium: Medium,
    /// How far the conversation has come.
    at: Mutex<usize>,
    heard: Mutex<Heard>,
    /// Connections that are not over.
    open: AtomicUsize,
}

impl Peer {
    pub(crate) async fn start(medium: Medium, plays: Plays) -> Self {
        let (at, heard, open) = (Mutex::default(), Mutex::default(), AtomicUsize::new(0));
        let stage = Arc::new(Stage { plays, medium, at, heard, open });
        if medium.is_datagrams() {
            let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
            let port = socket.local_addr().expect("its address").port();
            let serves = tokio::spawn(post(Arc::clone(&stage), socket));
            return Self { port, stage, serves };
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let serves = tokio::spawn(accept(Arc::clone(&stage), listener));
        Self { port, stage, serves }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Everything that was heard, once all connections are over.
    pub(crate) async fn heard(self) -> Heard {
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if self.stage.open.load(Ordering::SeqCst) == 0 {
                break;
            }
        }
        self.serves.abort();
        self.stage.heard.lock().expect("whole").clone()
    }
}

impl Stage {
    fn keep(&self, connection: usize, bytes: &[u8]) {
        self.heard.lock().expect("whole").connections[connection].extend(bytes);
    }

    /// The next line of the conversation; it is over when there is none.
    fn line(&self) -> Option<Line> {
        let Plays::Wire(lines) = &self.plays else { return None };
        lines.get(*self.at.lock().expect("whole")).cloned()
    }

    fn next(&self) {
        *self.at.lock().expect("whole") += 1;
    }
}

async fn accept(stage: Arc<Stage>, listener: TcpListener) {
    let tls = acceptor();
    while let Ok((wire, _)) = listener.accept().await {
        stage.open.fetch_add(1, Ordering::SeqCst);
        let (stage, tls) = (Arc::clone(&stage), tls.clone());
        tokio::spawn(async move {
            let number = {
                let mut heard = stage.heard.lock().expect("whole");
                heard.connections.push(Vec::new());
                heard.connections.len() - 1
            };
            if stage.medium == Medium::Tls {
                if let Ok(session) = tls.accept(wire).await {
                    serve(&stage, number, session).await;
                }
            } else {
                if matches!(&stage.plays, Plays::Wire(lines) if lines.contains(&Line::Reset)) {
                    let socket = socket2::SockRef::from(&wire);
                    let _ = socket.set_linger(Some(Duration::ZERO));
                }
                serve(&stage, number, wire).await;
            }
            stage.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

fn acceptor() -> tokio_rustls::TlsAcceptor {
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
    Arc::new(config).into()
}

/// One connection.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stage: &Stage, number: usize, mut wire: S) {
    match (&stage.plays, stage.medium) {
        (Plays::Wire(_), _) => converse(stage, number, &mut wire).await,
        (Plays::Pages(_), _) | (Plays::Yes, Medium::Http) => page(stage, number, &mut wire).await,
        (Plays::Answers(_), _) | (Plays::Yes, Medium::DnsTcp) => {
            questions(stage, number, &mut wire).await;
        }
        (Plays::Yes, _) => yes(stage, number, &mut wire).await,
    }
    listen(stage, number, &mut wire).await;
}

/// Hears until the other side leaves.
async fn listen<S: AsyncRead + Unpin>(stage: &Stage, number: usize, wire: &mut S) {
    let mut some = vec![0; 4096];
    while let Ok(count) = wire.read(&mut some).await {
        if count == 0 {
            return;
        }
        stage.keep(number, &some[..count]);
    }
}

/// Plays the conversation as far as it goes over this connection.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(stage: &Stage, number: usize, wire: &mut S) {
    while let Some(line) = stage.line() {
        match line {
            Line::Us(bytes) => {
                for _ in 0..bytes.len() {
                    let mut byte = [0];
                    if wire.read(&mut byte).await.is_ok_and(|count| count == 1) {
                        stage.keep(number, &byte);
                    } else {
                        return;
                    }
                }
            }
            Line::Them(bytes) => {
                let _ = wire.write_all(&bytes).await;
                let _ = wire.flush().await;
            }
            Line::Silent => {}
            Line::Closed => {
                stage.next();
                let _ = wire.shutdown().await;
                return;
            }
            Line::Reset => {
                stage.next();
                // What was said before must arrive first.
                tokio::time::sleep(Duration::from_millis(200)).await;
                return;
            }
            Line::Reconnect => {
                stage.next();
                return;
            }
            Line::Never => return,
        }
        stage.next();
    }
}

/// Gives back whatever comes, and then talks on for as long as anyone listens, up to a limit.
async fn yes<S: AsyncRead + AsyncWrite + Unpin>(stage: &Stage, number: usize, wire: &mut S) {
    let mut some = vec![0; 4096];
    let _ = wire.write_all(b"220 yes OK +OK\r\n").await;
    for _ in 0..64 {
        let Ok(count) = wire.read(&mut some).await else { return };
        if count == 0 {
            return;
        }
        stage.keep(number, &some[..count]);
        let _ = wire.write_all(&some[..count]).await;
        let _ =
            wire.write_all(&[b"yes OK +OK 250 \r\n".repeat(4096), b"\r\n".to_vec()].concat()).await;
        let _ = wire.flush().await;
    }
}

/// Answers one request.
async fn page<S: AsyncRead + AsyncWrite + Unpin>(stage: &Stage, number: usize, wire: &mut S) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if !wire.read(&mut byte).await.is_ok_and(|count| count == 1) {
            return;
        }
        stage.keep(number, &byte);
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or("");
    let answer = match &stage.plays {
        Plays::Pages(pages) => {
            // A path that nobody can know stands in tests as `/nowhere`.
            let known = pages.get(path).or_else(|| {
                let unknown = path.len() > 12 && !path[1..].contains(['/', '.', '?']);
                unknown.then(|| pages.get("/nowhere"))?
            });
            match known.or_else(|| pages.get("*")) {
                Some(PageFile::Page(page)) => {
                    let fields: String = page
                        .headers
                        .iter()
                        .map(|(name, value)| format!("{name}: {value}\r\n"))
                        .collect();
                    let title = match page.title.as_str() {
                        "" => String::new(),
                        title => format!("<title>{title}</title>"),
                    };
                    let body = title + &page.body;
                    let (status, length) = (page.status, body.len());
                    format!(
                        "HTTP/1.1 {status} X\r\n{fields}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                    )
                }
                _ => return,
            }
        }
        _ => {
            let body = "yes ".repeat(80_000);
            let length = body.len();
            format!(
                "HTTP/1.1 302 Yes\r\nLocation: /again/{number}\r\nSet-Cookie: yes=1\r\n\
                 WWW-Authenticate: Basic realm=yes\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
        }
    };
    let _ = wire.write_all(answer.as_bytes()).await;
    let _ = wire.shutdown().await;
}

/// Answers DNS questions over TCP.
async fn questions<S: AsyncRead + AsyncWrite + Unpin>(stage: &Stage, number: usize, wire: &mut S) {
    let mut length = [0; 2];
    while wire.read_exact(&mut length).await.is_ok() {
        stage.keep(number, &length);
        let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
        if wire.read_exact(&mut question).await.is_err() {
            return;
        }
        stage.keep(number, &question);
        let answer = answer(&question, &stage.plays);
        let length = u16::try_from(answer.len()).unwrap_or(0).to_be_bytes();
        let _ = wire.write_all(&[length.as_slice(), &answer].concat()).await;
    }
}

/// Datagrams.
async fn post(stage: Arc<Stage>, socket: UdpSocket) {
    let mut some = vec![0; 65_536];
    while let Ok((count, from)) = socket.recv_from(&mut some).await {
        let came = some[..count].to_vec();
        stage.heard.lock().expect("whole").datagrams.push(came.clone());
        let mut answers = Vec::new();
        match &stage.plays {
            Plays::Wire(_) => {
                // What is said again is no new line of the conversation.
                if matches!(stage.line(), Some(Line::Us(_))) {
                    stage.next();
                }
                while let Some(Line::Them(bytes)) = stage.line() {
                    answers.push(bytes);
                    stage.next();
                }
            }
            Plays::Yes if stage.medium == Medium::Udp => answers.push(came),
            plays => answers.push(answer(&came, plays)),
        }
        for answer in answers {
            let _ = socket.send_to(&answer, from).await;
        }
    }
}

/// A DNS answer (RFC 1035 section 4.1.1): the question's own bytes, as a response, with the code and, where texts were
/// asked for, the texts that the test has.
fn answer(question: &[u8], plays: &Plays) -> Vec<u8> {
    let mut answer = question.to_vec();
    let Some((name, of)) = super::words::question(question) else { return answer };
    answer[2] |= 0x80;
    let Plays::Answers(answers) = plays else {
        answer[2] |= 0x04;
        answer[3] |= 0x80;
        return answer;
    };
    let known = answers.get(&name).or_else(|| answers.get("*"));
    let Some(AnswerFile::Answer(known)) = known else { return Vec::new() };
    let codes = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
    let code = codes.iter().position(|code| *code == known.rcode).unwrap_or(2);
    answer[3] |= u8::try_from(code).unwrap_or(2);
    if known.recursion_available {
        answer[3] |= 0x80;
    }
    if known.authoritative {
        answer[2] |= 0x04;
    }
    if of == 16 {
        for text in &known.answers {
            answer[7] += 1;
            let length = u8::try_from(text.len()).unwrap_or(0);
            let class = [question[question.len() - 2], question[question.len() - 1]];
            answer.extend([
                0xc0,
                0x0c,
                0,
                16,
                class[0],
                class[1],
                0,
                0,
                0,
                0,
                0,
                length + 1,
                length,
            ]);
            answer.extend(text.as_bytes());
        }
    }
    answer
}
