//! The vendor: a resolver whose names lead where they should not, and web servers that redirect there.

use std::path::PathBuf;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

use super::scan::RESOLVERS;

/// Serves until it is killed.
pub(crate) fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut tasks = JoinSet::new();
        for address in RESOLVERS {
            let socket = UdpSocket::bind((address, 53)).await.expect("a port");
            tasks.spawn(async move {
                let mut question = [0; 1500];
                while let Ok((length, from)) = socket.recv_from(&mut question).await {
                    if let Some(answer) = answer(&question[..length], 512) {
                        let _ = socket.send_to(&answer, from).await;
                    }
                }
            });
            let listener = TcpListener::bind((address, 53)).await.expect("a port");
            tasks.spawn(async move {
                while let Ok((mut wire, _)) = listener.accept().await {
                    let Ok(length) = wire.read_u16().await else { continue };
                    let mut question = vec![0; length.into()];
                    if wire.read_exact(&mut question).await.is_err() {
                        continue;
                    }
                    let answer = answer(&question, 65_000).unwrap_or_default();
                    let _ = wire.write_u16(u16::try_from(answer.len()).expect("short")).await;
                    let _ = wire.write_all(&answer).await;
                }
            });
        }
        for (at, to) in [
            ("192.0.2.10:80", "/start"),
            ("[2001:db8::10]:80", "/start"),
            ("192.0.2.10:8081", "http://192.0.2.30/"),
            ("192.0.2.10:8082", "http://198.51.100.7/"),
            ("192.0.2.10:8083", "http://evil.example/"),
            ("192.0.2.20:8080", "/start"),
            ("192.0.2.30:80", "/start"),
            ("192.0.2.40:80", "/start"),
            ("192.0.2.40:8080", "http://192.0.2.41/"),
            ("192.0.2.41:8080", "/start"),
            ("198.51.100.7:80", "/start"),
        ] {
            let listener = TcpListener::bind(at).await.expect("a port");
            tasks.spawn(web(listener, to));
        }
        let ready = PathBuf::from(std::env::var_os("POSTERN_LAB").expect("the lab's folder"));
        std::fs::write(ready.join("ready"), "").expect("a file");
        while tasks.join_next().await.is_some() {}
    });
}

/// Redirects `/` and answers everything else.
async fn web(listener: TcpListener, to: &'static str) {
    let mut talks = JoinSet::new();
    while let Ok((mut wire, _)) = listener.accept().await {
        talks.spawn(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && head.first() != Some(&22) {
                match wire.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
            let answer = if head.starts_with(b"GET / ") {
                format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
            } else {
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned()
            };
            let _ = wire.write_all(answer.as_bytes()).await;
        });
    }
}

/// The answer to a question (RFC 1035 section 4); none for the name that is never answered.
fn answer(question: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut at = 12;
    let mut name = Vec::new();
    while let Some(length) = question.get(at).filter(|length| **length > 0) {
        let label = question.get(at + 1..at + 1 + usize::from(*length))?;
        name.push(String::from_utf8_lossy(label).to_lowercase());
        at += 1 + usize::from(*length);
    }
    let end = at + 5;
    let (v4, v6) = (question.get(at + 2) == Some(&1), question.get(at + 2) == Some(&28));
    let mut records: Vec<(u16, Vec<u8>)> = Vec::new();
    let mut code = 0;
    let four = |address: [u8; 4]| (1, address.to_vec());
    let six = |text: &str| (28, text.parse::<std::net::Ipv6Addr>().expect("v6").octets().to_vec());
    match name.join(".").as_str() {
        "web.example" if v4 => {
            let all = [
                [192, 0, 2, 10],
                [198, 51, 100, 7],
                [192, 0, 2, 30],
                [127, 0, 0, 1],
                [169, 254, 169, 254],
            ];
            records.extend(all.map(four));
        }
        "web.example" if v6 => records.extend(["2001:db8::10", "2001:db8:bad::1"].map(six)),
        "www.example" if v4 => {
            records.push((5, b"\x03web\x07example\0".to_vec()));
        }
        "www.example" if v6 => records.push((5, b"\x03web\x07example\0".to_vec())),
        "big.example" if v4 => records.extend((0..40).map(|n| four([203, 0, 113, n]))),
        "v6only.example" if v6 => records.push(six("2001:db8:bad::1")),
        "gone.example" => code = 3,
        "broken.example" => code = 2,
        "mute.example" => return None,
        _ => {}
    }
    let mut answer = question.get(..2)?.to_vec();
    let mut body = Vec::new();
    for (kind, data) in &records {
        body.extend([0xc0, 12]);
        body.extend(kind.to_be_bytes());
        body.extend([0, 1, 0, 0, 0, 0]);
        body.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        body.extend(data);
    }
    let cut = body.len() + end > most;
    let count = if cut { 0 } else { u16::try_from(records.len()).ok()? };
    answer.extend([0x81 | if cut { 2 } else { 0 }, 0x80 | code]);
    answer.extend([0, 1]);
    answer.extend(count.to_be_bytes());
    answer.extend([0, 0, 0, 0]);
    answer.extend(question.get(12..end)?);
    if !cut {
        answer.extend(body);
    }
    Some(answer)
}
