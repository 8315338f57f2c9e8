//! What the demo vendor's doors say: a web page over HTTP or HTTPS, a greeting, a database that waits to be asked.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A service behind a door.
#[derive(Clone)]
pub(super) enum Service {
    /// A page in clear.
    Http(Page),
    /// A page over TLS.
    Https(Arc<ServerConfig>, Page),
    /// Says one line and waits.
    Greets(&'static str),
    /// A PostgreSQL server that refuses encryption: silent until asked.
    Postgres,
}

/// A web page.
#[derive(Clone)]
pub(super) struct Page {
    pub(super) title: &'static str,
    pub(super) headers: Headers,
    pub(super) login: bool,
    pub(super) redirect: Option<String>,
}

/// How much care went into a page's header.
#[derive(Clone, Copy)]
pub(super) enum Headers {
    /// None of the protections, a cookie for everybody, and the version for whoever asks.
    Careless,
    /// As it should be.
    Careful,
}

/// Accepts until dropped; a visitor has ten seconds.
pub(super) async fn serve(listener: TcpListener, service: Service) {
    let mut visitors = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while visitors.try_join_next().is_some() {}
        let service = service.clone();
        visitors.spawn(tokio::time::timeout(Duration::from_secs(10), async move {
            match service {
                Service::Http(page) => answer(stream, &page, false).await,
                Service::Https(config, page) => {
                    let stream = TlsAcceptor::from(config).accept(stream).await?;
                    answer(stream, &page, true).await
                }
                Service::Greets(line) => greet(stream, line).await,
                Service::Postgres => refuse_encryption(stream).await,
            }
        }));
    }
}

async fn greet(mut stream: impl AsyncRead + AsyncWrite + Unpin, line: &str) -> std::io::Result<()> {
    stream.write_all(line.as_bytes()).await?;
    let mut rest = [0; 256];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// Answers `N` to an SSLRequest (PostgreSQL protocol 3.0, section 54.2.10) and closes on anything else.
async fn refuse_encryption(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
    let mut request = [0; 8];
    stream.read_exact(&mut request).await?;
    if request == [0, 0, 0, 8, 4, 210, 22, 47] {
        stream.write_all(b"N").await?;
    }
    Ok(())
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    page: &Page,
    encrypted: bool,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 16 * 1024 {
        let byte = stream.read_u8().await?;
        head.push(byte);
        if head.len() == 4 && !head.iter().all(u8::is_ascii_uppercase) && !head.starts_with(b"GET ")
        {
            return Ok(());
        }
    }
    let careful = matches!(page.headers, Headers::Careful) && page.redirect.is_none();
    let answer = if careful && head.starts_with(b"GET /.well-known/security.txt ") {
        contact()
    } else {
        response(page, encrypted)
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// Whom to tell of a weakness (RFC 9116).
fn contact() -> String {
    let body = "Contact: mailto:security@postern.test\nExpires: 2099-01-01T00:00:00Z\n";
    format!(
        "HTTP/1.1 200 OK\r\nX-Content-Type-Options: nosniff\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn response(page: &Page, encrypted: bool) -> String {
    let form = "<form method=post><input name=user><input type=password name=word></form>";
    let body = format!(
        "<!doctype html><title>{}</title><h1>{}</h1>{}",
        page.title,
        page.title,
        if page.login { form } else { "" }
    );
    let status = if page.redirect.is_some() { "301 Moved Permanently" } else { "200 OK" };
    let mut lines = vec![format!("HTTP/1.1 {status}")];
    lines.extend(page.redirect.as_ref().map(|to| format!("Location: {to}")));
    match page.headers {
        Headers::Careless => {
            lines.push("Server: Apache/2.4.6 (CentOS) PHP/5.4.16".into());
            lines.push("Set-Cookie: session=0123456789abcdef; Path=/".into());
        }
        Headers::Careful => {
            lines
                .push("Content-Security-Policy: default-src 'self'; frame-ancestors 'none'".into());
            lines.push("X-Content-Type-Options: nosniff".into());
            lines.push("Referrer-Policy: no-referrer".into());
            if encrypted {
                lines.push("Strict-Transport-Security: max-age=63072000; includeSubDomains".into());
                lines.push(
                    "Set-Cookie: session=0123456789abcdef; Path=/; Secure; HttpOnly; SameSite=Lax"
                        .into(),
                );
            }
        }
    }
    lines.push(format!(
        "Content-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close",
        body.len()
    ));
    format!("{}\r\n\r\n{body}", lines.join("\r\n"))
}
