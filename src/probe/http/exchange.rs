//! One request and its answer, by hyper over a bounded stream.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, LazyLock};

use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use regex::Regex;
use tokio_rustls::TlsConnector;

use super::location::{Place, Scheme};
use crate::model::heard::Heard;
use crate::model::observation::Line;
use crate::model::saw::{Cut, HttpAnswer};
use crate::probe::tls::{Client, server_name};
use crate::probe::Errand;
use crate::talk::{Account, Bounded, Talk, Transcript, Unopened, Wire, secrets};

/// The longest head of an answer, in bytes.
const HEAD: usize = 64 * 1024;
/// The most header fields.
const FIELDS: usize = 256;
/// As much of a body is read.
const BODY: usize = 64 * 1024;
/// As much of it is kept: enough for titles and listings.
const KEPT: usize = 4096;

/// What one visit brought.
pub(super) struct Exchange {
    pub(super) got: Got,
    pub(super) lines: Vec<Line>,
}

/// What came back.
pub(super) struct Got {
    /// The answer, if there was one.
    pub(super) answer: Option<HttpAnswer>,
    /// Where it sends us.
    pub(super) location: Option<String>,
    /// How it was cut.
    pub(super) cut: Option<Cut>,
    /// Whether the peer speaks HTTP.
    pub(super) speaks: Option<bool>,
}

impl Exchange {
    /// A visit that came to nothing.
    pub(super) fn cut(cut: Cut) -> Self {
        let got = Got { answer: None, location: None, cut: Some(cut), speaks: None };
        Self { got, lines: Vec::new() }
    }
}

/// Asks for the place over that talk, which leads to the address `to`.
pub(super) async fn exchange(
    talk: Talk,
    place: &Place,
    to: Option<IpAddr>,
    errand: &Errand<'_>,
) -> Result<Exchange, Unopened> {
    let (stream, account, transcript) = talk.into_stream();
    let got = match place.scheme {
        Scheme::Http => request(stream, &account, place, errand.agent, &transcript).await?,
        Scheme::Https => {
            let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
            let client = Client::new(&versions, &[b"http/1.1"]).map_err(Unopened::Ours)?;
            let named = place.literal().is_none().then_some(place.host.as_str());
            let terms = stream.terms();
            let connector = TlsConnector::from(Arc::clone(&client.config));
            match connector.connect(server_name(named, to), stream).await {
                Ok(session) => {
                    transcript.wire("[TLS]");
                    let inner = Bounded::new(session, terms, None);
                    let within = inner.account();
                    let mut got =
                        request(inner, &within, place, errand.agent, &transcript).await?;
                    // The outer stream knows better what happened to the network.
                    if got.cut == Some(Cut::Reset) {
                        got.cut = account.cut().or(got.cut);
                    }
                    got
                }
                Err(wrong) => {
                    transcript.wire("the TLS handshake failed");
                    let garbled = Cut::Garbled { what: format!("TLS: {wrong}") };
                    let cut = account.cut().unwrap_or(garbled);
                    Got { answer: None, location: None, cut: Some(cut), speaks: None }
                }
            }
        }
    };
    if let Some(cut) = &got.cut {
        transcript.wire(&format!("cut: {cut:?}"));
    }
    Ok(Exchange { got, lines: transcript.lines() })
}

/// Sends the request and reads the answer.
async fn request<W: Wire + 'static>(
    stream: Bounded<W>,
    account: &Account,
    place: &Place,
    agent: &str,
    transcript: &Transcript,
) -> Result<Got, Unopened> {
    let request = Request::get(&place.path)
        .header(header::HOST, place.authority())
        .header(header::USER_AGENT, agent)
        .header(header::ACCEPT, "*/*")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new());
    let Ok(request) = request else {
        let what = format!("`{}` cannot be asked for", place.path);
        return Ok(Got { answer: None, location: None, cut: Some(Cut::Garbled { what }), speaks: None });
    };
    transcript.us(format!("GET {} HTTP/1.1\r\nHost: {}", place.path, place.authority()).as_bytes());
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD).max_headers(FIELDS);
    let handshake = builder.handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|wrong| Unopened::Ours(wrong.to_string()))?;
    let answer = async move {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let (body, whole) = read(body).await;
        Ok::<_, hyper::Error>((Response::from_parts(head, body), whole))
    };
    let answer = match select(pin!(connection), pin!(answer)).await {
        Either::Left((_, answer)) => answer.await,
        Either::Right((answer, _)) => answer,
    };
    Ok(match answer {
        Ok((response, whole)) => answered(&response, whole, place, account, transcript),
        Err(wrong) => failed(&wrong, account),
    })
}

/// Reads the beginning of a body, and says whether that was all of it.
async fn read(mut body: Incoming) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    while bytes.len() <= BODY {
        match body.frame().await {
            None => return (bytes, true),
            Some(Err(_)) => return (bytes, false),
            Some(Ok(frame)) => bytes.extend(frame.into_data().unwrap_or_default()),
        }
    }
    bytes.truncate(BODY);
    (bytes, false)
}

fn answered(
    response: &Response<Vec<u8>>,
    whole: bool,
    place: &Place,
    account: &Account,
    transcript: &Transcript,
) -> Got {
    let status = response.status();
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let fields = response.headers().iter().map(|(name, value)| {
        let kept = secrets::cut_field(name.as_str(), &text(value));
        (Heard::from(name.as_str()), Heard::new(kept.raw().as_bytes(), KEPT))
    });
    let headers: Vec<_> = fields.collect();
    let mut said = format!("HTTP {}", status.as_u16());
    for (name, value) in &headers {
        let _ = write!(said, "\r\n{}: {}", name.raw(), value.raw());
    }
    transcript.them(said.as_bytes());
    let location = response.headers().get(header::LOCATION).map(text);
    let body = response.body();
    let begin = String::from_utf8_lossy(body.get(..2 * KEPT).unwrap_or(body)).into_owned();
    let kept = secrets::cut(&begin);
    let answer = HttpAnswer {
        url: super::heard(&place.url()),
        status: status.as_u16(),
        headers,
        title: title(&String::from_utf8_lossy(body)),
        body: Heard::new(kept.as_bytes(), KEPT),
        truncated: !whole || body.len() > KEPT,
    };
    let cut = (!whole && body.len() < BODY).then(|| account.cut().unwrap_or(Cut::Closed));
    Got {
        answer: Some(answer),
        location: location.filter(|_| status.is_redirection()),
        cut,
        speaks: Some(true),
    }
}

/// No answer: whether it is one in another tongue or none at all.
fn failed(wrong: &hyper::Error, account: &Account) -> Got {
    let first = account.first();
    let begins = first.get(..5).unwrap_or(&first);
    let speaks = match begins {
        b"" => None,
        some if b"HTTP/".starts_with(some) => None,
        _ => Some(false),
    };
    let cut = if wrong.is_parse() && wrong.to_string().contains("too large") {
        Cut::TooMuch
    } else if wrong.is_parse() || speaks == Some(false) {
        Cut::Garbled { what: "not an HTTP/1 answer".into() }
    } else {
        account.cut().unwrap_or(Cut::Closed)
    };
    Got { answer: None, location: None, cut: Some(cut), speaks }
}

/// The text of the first `title` element, in one line.
fn title(page: &str) -> Option<Heard> {
    static TITLE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?is)<title(?:\s[^>]*)?>(.*?)</title").expect("the pattern is a literal")
    });
    let found = TITLE.captures(page)?;
    let words = found.get(1)?.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    let text = entities.iter().fold(words, |text, (name, sign)| text.replace(name, sign));
    Some(Heard::new(secrets::cut(&text).as_bytes(), 256))
}
