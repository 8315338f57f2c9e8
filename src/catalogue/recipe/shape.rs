//! The shape of `probe:` in a check file, and of the conversations in its tests, as authors write it and editors complete it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the check asks by itself: one of `tcp`, `tls`, `udp`, `dns` and `http`, and what is concluded from the answers.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeFile {
    /// Bytes over TCP, to the open ports on which `when` may hold.
    #[serde(default)]
    pub tcp: Option<StreamFile>,
    /// Bytes inside TLS, to the open ports on which `when` may hold.
    #[serde(default)]
    pub tls: Option<StreamFile>,
    /// Datagrams, to these ports of every address.
    #[serde(default)]
    pub udp: Option<DatagramFile>,
    /// DNS questions, to these ports of every address.
    #[serde(default)]
    pub dns: Option<DnsFile>,
    /// Requests for pages, to every site on which `when` may hold.
    #[serde(default)]
    pub http: Option<HttpFile>,
    /// What is concluded: expressions over what was heard, each by its name. `applies`, `expect` and `says` call it
    /// `probe.name`.
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
}

/// How much a recipe does to a peer.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWord {
    /// Listens only.
    Passive,
    /// Asks what any client asks, and changes nothing.
    ReadOnly,
    /// Anything that a careful administrator would want to know about beforehand.
    Intrusive,
}

/// Upper bounds of one conversation.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsFile {
    /// Connections, at most 8; over HTTP at most 256. One more than there are `reconnect` steps when left out; over
    /// HTTP 64, and each request and each redirect counts.
    #[serde(default)]
    pub connections: Option<u32>,
    /// Bytes heard in all: `16 KiB`, at most 1 MiB. 64 KiB when left out; over HTTP what is read of each body counts
    /// instead.
    #[serde(default)]
    #[schemars(with = "Option<SizeText>")]
    pub bytes: Option<serde_json::Value>,
    /// Seconds that all of it takes, at most 120. 15 when left out; over HTTP 60.
    #[serde(default)]
    pub seconds: Option<u32>,
}

/// A number of bytes: `4096`, `16 KiB`, `1 MiB`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum SizeText {
    /// In bytes.
    Bytes(u32),
    /// With its unit.
    Unit(String),
}

/// A conversation over TCP, in the clear or inside TLS.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamFile {
    /// How much it does to a peer; `read-only` when left out.
    #[serde(default)]
    pub class: Option<ClassWord>,
    /// Upper bounds.
    #[serde(default)]
    pub limits: LimitsFile,
    /// What is done, in order.
    #[schemars(length(min = 1))]
    pub steps: Vec<StepFile>,
}

/// A conversation by datagrams.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatagramFile {
    /// How much it does to a peer; `read-only` when left out.
    #[serde(default)]
    pub class: Option<ClassWord>,
    /// Upper bounds.
    #[serde(default)]
    pub limits: LimitsFile,
    /// The ports: `[161]`, or the name of a parameter that is a list of numbers: `params.ports`.
    pub ports: PortsFile,
    /// How often a question is put before silence counts, from 1 to 5; 3 when left out.
    #[serde(default)]
    pub tries: Option<u32>,
    /// What is done, in order: each `send` is one datagram, and each `read` takes one.
    #[schemars(length(min = 1))]
    pub steps: Vec<StepFile>,
}

/// Ports of a recipe.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum PortsFile {
    /// Written out.
    Fixed(Vec<u16>),
    /// `params.NAME`
    Param(String),
}

/// A step; exactly one of `send`, `read` and `reconnect`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepFile {
    /// A condition over what was heard so far; where it does not hold, the step is left out.
    #[serde(default, rename = "if")]
    pub when: Option<String>,
    /// Sends something: a text (in double quotes `"PING\r\n"` for its escapes), `{hex: "00 01 ff"}`, or `{echo: hello}`
    /// to send back what was heard.
    #[serde(default)]
    pub send: Option<SendFile>,
    /// Reads something.
    #[serde(default)]
    pub read: Option<ReadFile>,
    /// Hangs up and goes on over a new connection.
    #[serde(default)]
    pub reconnect: Option<bool>,
}

/// What is sent.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum SendFile {
    /// As it is written.
    Text(String),
    /// Bytes, or what was heard.
    Other(OtherBytes),
}

/// Bytes that are no text; one of the two.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherBytes {
    /// Bytes as hexadecimal digits, with or without spaces. `{name}` among them stands for the bytes that a capture or
    /// a fact gives as such digits, and `[ … ]` for what has its length before it, as BER writes lengths.
    #[serde(default)]
    pub hex: Option<String>,
    /// The name of what was heard.
    #[serde(default)]
    pub echo: Option<String>,
}

/// Bytes.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum BytesFile {
    /// As they are written.
    Text(String),
    /// As hexadecimal digits.
    Hex(HexFile),
}

/// Bytes as hexadecimal digits.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HexFile {
    /// With or without spaces: `00 01 ff`.
    pub hex: String,
}

/// What is read. Over TCP and TLS exactly one of `until`, `bytes`, `line`, `quiet` and `end` says what ends it; over UDP
/// it is one datagram.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadFile {
    /// What it is called from here on.
    #[serde(rename = "as")]
    pub name: String,
    /// Ends with these bytes: a text, or `{hex: 0d 0a}`.
    #[serde(default)]
    pub until: Option<BytesFile>,
    /// Ends after so many bytes.
    #[serde(default)]
    pub bytes: Option<u32>,
    /// Ends with a line feed.
    #[serde(default)]
    pub line: Option<bool>,
    /// Ends when the peer falls silent for 0.3 s.
    #[serde(default)]
    pub quiet: Option<bool>,
    /// Ends when the peer closes.
    #[serde(default)]
    pub end: Option<bool>,
    /// Bytes at most; 4 KiB when left out.
    #[serde(default)]
    #[schemars(with = "Option<SizeText>")]
    pub max: Option<serde_json::Value>,
    /// How long it waits: `500ms`, `3s`. 5 s when left out, and over UDP 2 s.
    #[serde(default)]
    pub timeout: Option<String>,
    /// Whether less than what is wanted is kept, and the conversation goes on; otherwise it ends there.
    #[serde(default)]
    pub optional: bool,
    /// How bytes become text; `text` when left out.
    #[serde(default)]
    pub format: Option<FormWord>,
}

/// How bytes become text.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FormWord {
    /// As UTF-8; what is not becomes U+FFFD.
    Text,
    /// As hexadecimal digits in small letters without spaces: `0aff`.
    Hex,
}

/// DNS questions.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsFile {
    /// How much it does to a peer; `read-only` when left out.
    #[serde(default)]
    pub class: Option<ClassWord>,
    /// Upper bounds.
    #[serde(default)]
    pub limits: LimitsFile,
    /// The ports; `[53]` when left out.
    #[serde(default)]
    pub ports: Option<PortsFile>,
    /// `udp` or `tcp`; `udp` when left out.
    #[serde(default)]
    pub over: Option<OverWord>,
    /// How often a question is put before silence counts, from 1 to 5; 3 when left out.
    #[serde(default)]
    pub tries: Option<u32>,
    /// The questions, in order.
    #[schemars(length(min = 1))]
    pub questions: Vec<QuestionFile>,
}

/// What DNS goes over.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OverWord {
    /// Datagrams.
    Udp,
    /// A connection for each question.
    Tcp,
}

/// A DNS question.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionFile {
    /// A condition over what was heard so far; where it does not hold, it is not asked.
    #[serde(default, rename = "if")]
    pub when: Option<String>,
    /// What the answer is called from here on.
    #[serde(rename = "as")]
    pub into: String,
    /// The name that is asked for.
    pub name: String,
    /// The type: `A`, `TXT`, `SOA`.
    #[serde(rename = "type")]
    pub of: TypeWord,
    /// The class; `IN` when left out.
    #[serde(default)]
    pub class: Option<DnsClassWord>,
    /// Whether recursion is desired; it is not when left out.
    #[serde(default)]
    pub recurse: bool,
}

/// A type of DNS records (RFC 1035 section 3.2.2, RFC 3596, RFC 4034).
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum TypeWord {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// Whatever the server likes to tell.
    Any,
    /// Who may issue certificates.
    Caa,
    /// The name that it stands for.
    Cname,
    /// A key of the zone.
    Dnskey,
    /// Where its mail goes.
    Mx,
    /// The servers of the zone.
    Ns,
    /// The name of an address.
    Ptr,
    /// Who runs the zone.
    Soa,
    /// Where a service is.
    Srv,
    /// A text.
    Txt,
}

/// A class of DNS records.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum DnsClassWord {
    /// The internet.
    In,
    /// Chaosnet, by which servers speak of themselves.
    Ch,
}

/// Requests for pages.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpFile {
    /// How much it does to a peer; `read-only` when left out.
    #[serde(default)]
    pub class: Option<ClassWord>,
    /// Upper bounds.
    #[serde(default)]
    pub limits: LimitsFile,
    /// The requests, in order.
    #[schemars(length(min = 1))]
    pub requests: Vec<RequestFile>,
    /// Asks, before everything else, for a path that cannot exist, to tell sites that answer to every path.
    #[serde(default)]
    pub baseline: Option<BaselineFile>,
}

/// A request; exactly one of the methods, with the path.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestFile {
    /// A condition over what was heard so far; where it does not hold, it is not asked.
    #[serde(default, rename = "if")]
    pub when: Option<String>,
    /// GET of this path.
    #[serde(default)]
    pub get: Option<String>,
    /// HEAD of this path.
    #[serde(default)]
    pub head: Option<String>,
    /// OPTIONS of this path.
    #[serde(default)]
    pub options: Option<String>,
    /// POST to this path with an empty body; for class `intrusive` only.
    #[serde(default)]
    pub post: Option<String>,
    /// TRACE of this path; for class `intrusive` only.
    #[serde(default)]
    pub trace: Option<String>,
    /// A parameter that is a list of text: one request for each, put in the path for `{{ each }}`. What comes is then a
    /// list of pages.
    #[serde(default)]
    pub each: Option<String>,
    /// What the page is called from here on.
    #[serde(rename = "as")]
    pub name: String,
    /// Header fields; never any that carry credentials.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Whether redirects are followed, three of them at most; `no` when left out.
    #[serde(default)]
    pub follow: Option<FollowWord>,
    /// Bytes of the body at most; 64 KiB when left out, and no more than 256 KiB.
    #[serde(default)]
    #[schemars(with = "Option<SizeText>")]
    pub max: Option<serde_json::Value>,
}

/// Whether redirects are followed.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub enum FollowWord {
    /// None.
    #[serde(rename = "never")]
    Never,
    /// Within the same scheme, host and port.
    #[serde(rename = "same-host")]
    SameHost,
}

/// The request for a path that cannot exist.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineFile {
    /// What the page is called.
    #[serde(rename = "as")]
    pub name: String,
}

/// A line of a conversation in a test: `> said by us`, `< said by them`, `! closed`; for bytes that are no text
/// `{">": {hex: 00 ff}}` and `{"<": {hex: 00 ff}}`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum WireFile {
    /// As text.
    Line(String),
    /// As bytes.
    Bytes(WireBytes),
}

/// Bytes of one side.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WireBytes {
    /// What we must say.
    #[serde(default, rename = ">")]
    pub us: Option<HexFile>,
    /// What they say.
    #[serde(default, rename = "<")]
    pub them: Option<HexFile>,
}

/// A page in a test, or how the request ended without one: `silent`, `closed`, `reset`, `refused`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum PageFile {
    /// How it ended.
    Ending(String),
    /// A page.
    Page(PageFields),
}

/// A page in a test.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageFields {
    /// The status code.
    pub status: u16,
    /// Its title; empty when left out.
    #[serde(default)]
    pub title: String,
    /// Header fields.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body; empty when left out. More than the request reads is cut off.
    #[serde(default)]
    pub body: String,
}

/// A DNS answer in a test, or how the question ended without one.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum AnswerFile {
    /// How it ended.
    Ending(String),
    /// An answer.
    Answer(AnswerFields),
}

/// A DNS answer in a test.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerFields {
    /// The response code: `NOERROR`, `REFUSED`.
    pub rcode: String,
    /// The data of each answer.
    #[serde(default)]
    pub answers: Vec<String>,
    /// Whether it speaks for the zone.
    #[serde(default)]
    pub authoritative: bool,
    /// Whether it offers recursion.
    #[serde(default)]
    pub recursion_available: bool,
    /// Whether it was cut short.
    #[serde(default)]
    pub truncated: bool,
    /// How many bytes it has; 0 when left out.
    #[serde(default)]
    pub bytes: u32,
}
