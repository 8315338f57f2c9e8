//! DNS messages to a host's own server (RFC 1035): one question, one answer, by hickory's reader and writer.

use std::fmt::Write as _;
use std::str::FromStr as _;

use hickory_resolver::proto::op::{Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{DNSClass, Name, RData, RecordType};

use crate::catalogue::recipe::{DnsAnswer, Question};

/// The most answers that are kept.
const ANSWERS: usize = 64;
/// As many characters of one answer are kept.
const LONGEST: usize = 1024;

/// A question as a message, with the number by which its answer is known.
///
/// # Errors
/// Why it cannot be put.
pub(super) fn message(question: &Question) -> Result<(u16, Vec<u8>), String> {
    let Question { name, of, class, recurse } = question;
    let mut asked = Name::from_ascii(name).map_err(|wrong| format!("`{name}`: {wrong}"))?;
    asked.set_fqdn(true);
    let of = RecordType::from_str(of).map_err(|wrong| format!("`{of}`: {wrong}"))?;
    let class = DNSClass::from_str(class).map_err(|wrong| format!("`{class}`: {wrong}"))?;
    let mut query = Query::query(asked, of);
    query.set_query_class(class);
    let mut message = Message::query();
    message.metadata.recursion_desired = *recurse;
    message.add_query(query);
    let bytes = message.to_vec().map_err(|wrong| wrong.to_string())?;
    Ok((message.metadata.id, bytes))
}

/// A question in words, for the transcript.
pub(super) fn words(question: &Question) -> String {
    let Question { name, of, class, recurse } = question;
    let recurse = if *recurse { ", recursion desired" } else { "" };
    format!("[DNS question: {name} {class} {of}{recurse}]")
}

/// What a server answered to the question of that number; none when it is no answer to it.
pub(super) fn answer(bytes: &[u8], id: u16) -> Option<DnsAnswer> {
    let message = Message::from_vec(bytes).ok()?;
    let head = &message.metadata;
    if head.id != id || head.message_type != hickory_resolver::proto::op::MessageType::Response {
        return None;
    }
    Some(DnsAnswer {
        rcode: word(head.response_code),
        answers: message.answers.iter().take(ANSWERS).map(|record| text(&record.data)).collect(),
        authoritative: head.authoritative,
        recursion_available: head.recursion_available,
        truncated: head.truncation,
        bytes: bytes.len(),
    })
}

/// An answer in words, for the transcript.
pub(super) fn told(answer: &DnsAnswer) -> String {
    let mut words = format!("[DNS answer: {}, {} bytes]", answer.rcode, answer.bytes);
    for data in &answer.answers {
        let _ = write!(words, "\n{data}");
    }
    words
}

/// The data of a record as it reads in a zone file; texts without their quotes.
fn text(data: &RData) -> String {
    let all = match data {
        RData::TXT(texts) => {
            let parts = texts.txt_data.iter().map(|part| String::from_utf8_lossy(part));
            parts.collect::<Vec<_>>().concat()
        }
        other => other.to_string(),
    };
    all.chars().take(LONGEST).collect()
}

/// The name of a response code (RFC 1035 section 4.1.1, RFC 2136 section 2.2, RFC 6895).
fn word(code: ResponseCode) -> String {
    match code {
        ResponseCode::NoError => "NOERROR".into(),
        ResponseCode::FormErr => "FORMERR".into(),
        ResponseCode::ServFail => "SERVFAIL".into(),
        ResponseCode::NXDomain => "NXDOMAIN".into(),
        ResponseCode::NotImp => "NOTIMP".into(),
        ResponseCode::Refused => "REFUSED".into(),
        ResponseCode::NotAuth => "NOTAUTH".into(),
        other => format!("RCODE{}", u16::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::op::{MessageType, OpCode};
    use hickory_resolver::proto::rr::Record;
    use hickory_resolver::proto::rr::rdata::TXT;

    use super::*;

    fn version() -> Question {
        Question {
            name: "version.bind".into(),
            of: "TXT".into(),
            class: "CH".into(),
            recurse: false,
        }
    }

    /// RFC 1035 section 4.1: the header, one question, nothing else; the bytes as they are known from the wire.
    #[test]
    fn a_question_is_as_the_rfc_draws_it() {
        let (id, bytes) = message(&version()).expect("a question");
        let mut wire = id.to_be_bytes().to_vec();
        wire.extend(
            b"\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07version\x04bind\x00\x00\x10\x00\x03",
        );
        assert_eq!(bytes, wire);
        let recurse = Question { recurse: true, ..version() };
        assert_eq!(message(&recurse).expect("a question").1.get(2), Some(&1));
        assert!(message(&Question { of: "NOTHING".into(), ..version() }).is_err());
    }

    #[test]
    fn only_an_answer_to_the_question_counts() {
        let mut reply = Message::new(7, MessageType::Response, OpCode::Query);
        reply.metadata.authoritative = true;
        let name = Name::from_ascii("version.bind.").expect("a name");
        let data = RData::TXT(TXT::new(vec!["9.18".into(), ".1".into()]));
        reply.add_answer(Record::from_rdata(name, 0, data));
        let bytes = reply.to_vec().expect("a message");
        let read = answer(&bytes, 7).expect("an answer");
        assert_eq!((read.rcode.as_str(), read.answers), ("NOERROR", vec!["9.18.1".to_owned()]));
        assert_eq!((read.authoritative, read.truncated, read.bytes), (true, false, bytes.len()));
        assert_eq!(answer(&bytes, 8), None, "another number");
        assert_eq!(answer(&message(&version()).expect("a question").1, 7), None, "a question");
        for cut in 0..bytes.len() {
            assert_eq!(answer(bytes.get(..cut).expect("within"), 7), None, "{cut} bytes of it");
        }
    }
}
