//! What must never be said, in whichever protocol: credentials, and commands that change something.

use super::peer::Heard;

/// Commands by which somebody logs in, where a command stands.
const LOGINS: [&str; 12] = [
    "USER",
    "PASS",
    "AUTH",
    "LOGIN",
    "AUTHENTICATE",
    "APOP",
    "ACCT",
    "HELLO",
    "IDENTIFY",
    "XAUTH",
    "STARTUP",
    "SASL",
];

/// Commands that change something, where a command stands.
const WRITES: &[&str] = &[
    "SET",
    "SETEX",
    "SETNX",
    "MSET",
    "GETSET",
    "APPEND",
    "DEL",
    "UNLINK",
    "EXPIRE",
    "FLUSHALL",
    "FLUSHDB",
    "CONFIG",
    "SLAVEOF",
    "REPLICAOF",
    "EVAL",
    "EVALSHA",
    "SCRIPT",
    "MODULE",
    "SAVE",
    "BGSAVE",
    "SHUTDOWN",
    "MIGRATE",
    "RESTORE",
    "RENAME",
    "ADD",
    "REPLACE",
    "PREPEND",
    "CAS",
    "INCR",
    "DECR",
    "TOUCH",
    "DELETE",
    "FLUSH_ALL",
    "VERBOSITY",
    "STOR",
    "STOU",
    "APPE",
    "DELE",
    "MKD",
    "RMD",
    "RNFR",
    "RNTO",
    "SITE",
    "CHMOD",
    "MAIL",
    "RCPT",
    "DATA",
    "BDAT",
    "EXPN",
    "CREATE",
    "STORE",
    "EXPUNGE",
    "PUT",
    "POST",
    "PATCH",
    "MKCOL",
    "MOVE",
    "COPY",
    "LOCK",
    "PROPPATCH",
    "CONNECT",
    "TRACE",
    "PUB",
    "SUB",
    "INSERT",
    "UPDATE",
    "DROP",
    "ALTER",
    "GRANT",
    "KILL",
    "STMK",
];

/// Names of header fields that carry credentials.
const FIELDS: [&str; 8] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "x-auth-token",
    "x-amz-security-token",
    "authentication",
];

/// What a message in some binary protocol must not be.
type Rule = (&'static str, fn(&[u8]) -> bool);

const BINARY: [Rule; 9] = [
    ("an LDAP bind with a name or a password", binds_with_a_name),
    ("an LDAP change", changes_a_directory),
    ("an SNMP SetRequest", sets_by_snmp),
    ("a PostgreSQL login", logs_in_to_postgresql),
    ("a MySQL login", logs_in_to_mysql),
    ("an MQTT login", logs_in_to_mqtt),
    ("an MQTT publication", |said| {
        said.first().is_some_and(|kind| kind >> 4 == 3)
            && said.len() > 4
            && usize::from(said[1]) == said.len() - 2
            && usize::from(u16::from_be_bytes([said[2], said[3]])) < said.len() - 4
            && std::str::from_utf8(&said[4..]).is_ok()
    }),
    ("a SOCKS login", |said| {
        matches!(said, [5, count, methods @ ..]
        if methods.len() == usize::from(*count) && methods.contains(&2))
    }),
    ("a TFTP write request", |said| said.starts_with(&[0, 2]) && said.ends_with(b"octet\0")),
];

/// Everything harmful that was heard.
pub(crate) fn found(heard: &Heard) -> Vec<String> {
    heard.all().flat_map(harm).collect()
}

fn harm(said: &[u8]) -> Vec<String> {
    let mut wrong = Vec::new();
    for line in said.split(|byte| matches!(byte, b'\r' | b'\n')) {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        // IMAP puts a tag before its command (RFC 9051 section 2.2.1).
        for word in line.split_ascii_whitespace().take(2) {
            let word = word.to_ascii_uppercase();
            if LOGINS.contains(&word.as_str()) {
                wrong.push(format!("`{line}` logs in"));
            }
        }
        let command = line.split_ascii_whitespace().next().unwrap_or("").to_ascii_uppercase();
        if WRITES.contains(&command.as_str()) {
            wrong.push(format!("`{line}` changes something"));
        }
        if let Some((name, _)) = line.split_once(':')
            && FIELDS.contains(&name.to_ascii_lowercase().as_str())
        {
            wrong.push(format!("the field `{name}` carries a credential"));
        }
        if line.starts_with("GET ") || line.starts_with("HEAD ") || line.starts_with("OPTIONS ") {
            let query = line.split_once('?').map_or("", |(_, query)| query).to_ascii_lowercase();
            if ["pass", "pwd=", "token=", "key=", "auth=", "user="]
                .iter()
                .any(|part| query.contains(part))
            {
                wrong.push(format!("`{line}` carries a credential"));
            }
        }
    }
    wrong.extend(
        BINARY.iter().filter(|(_, is)| is(said)).map(|(what, _)| format!("this is {what}")),
    );
    wrong
}

/// The operation of an LDAP message (RFC 4511 section 4.1.1) with short lengths, and what stands in it.
fn ldap(said: &[u8]) -> Option<(u8, &[u8])> {
    match said {
        [0x30, _, 0x02, 0x01, _, op, _, rest @ ..] => Some((*op, rest)),
        _ => None,
    }
}

fn binds_with_a_name(said: &[u8]) -> bool {
    // BindRequest ::= [APPLICATION 0] { version, name, authentication }; anonymous: `02 01 03 04 00 80 00`.
    matches!(ldap(said), Some((0x60, rest)) if rest.get(3..5) != Some(&[4, 0]) || rest.get(5..7) != Some(&[0x80, 0]))
}

fn changes_a_directory(said: &[u8]) -> bool {
    matches!(ldap(said), Some((0x66 | 0x68 | 0x4a | 0x6c, _)))
}

fn sets_by_snmp(said: &[u8]) -> bool {
    // Message ::= { version, community, PDU } (RFC 1157 section 4, RFC 3416 section 3).
    let [0x30, _, 0x02, 0x01, 0 | 1, 0x04, length, rest @ ..] = said else { return false };
    rest.get(usize::from(*length)) == Some(&0xa3)
}

fn logs_in_to_postgresql(said: &[u8]) -> bool {
    said.get(4..8) == Some(&[0, 3, 0, 0]) && said.windows(5).any(|part| part == b"user\0")
}

fn logs_in_to_mysql(said: &[u8]) -> bool {
    // A packet with number 1 that is longer than an SSLRequest (32 bytes) is a handshake response, with a user in it.
    let [a, b, c, 1, rest @ ..] = said else { return false };
    let length = u32::from_le_bytes([*a, *b, *c, 0]) as usize;
    length > 32 && length == rest.len()
}

fn logs_in_to_mqtt(said: &[u8]) -> bool {
    // CONNECT, protocol name, level, flags: the two highest are for a user name and a password (MQTT 3.1.1, 3.1.2.3).
    let [0x10, _, 0, 4, b'M', b'Q', b'T', b'T', _, flags, ..] = said else { return false };
    flags & 0xc0 != 0
}

#[test]
fn what_is_harmful_is_noticed() {
    let harmful: [&[u8]; 17] = [
        b"USER anonymous\r\n",
        b"PING\r\nAUTH hunter2\r\n",
        b"p1 LOGIN a b\r\n",
        b"set a 0 0 1\r\n1\r\n",
        b"CONFIG GET *\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: Basic eA==\r\n\r\n",
        b"GET / HTTP/1.1\r\nCookie: a=b\r\n\r\n",
        b"GET /?token=x HTTP/1.1\r\n\r\n",
        b"PUT /x HTTP/1.1\r\n\r\n",
        b"\x30\x0f\x02\x01\x01\x60\x0a\x02\x01\x03\x04\x03cn=\x80\x00",
        b"\x30\x0c\x02\x01\x02\x4a\x07cn=gone",
        b"\x30\x26\x02\x01\x01\x04\x06public\xa3\x19",
        b"\0\0\0\x16\0\x03\0\0user\0postgres\0\0",
        b"\x28\0\0\x01\x85\xa6\xff\x01\0\0\0\x01\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0root\0\0\0\0",
        b"\x10\x16\0\x04MQTT\x04\xc2\0\x05\0\0\0\x01a\0\x01b",
        b"\x05\x02\0\x02",
        b"\0\x02name\0octet\0",
    ];
    for said in harmful {
        assert!(!harm(said).is_empty(), "“{}” goes unnoticed", said.escape_ascii());
    }
    for said in [
        &b"PING\r\nINFO server\r\n"[..],
        b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0",
        b"\x30\x26\x02\x01\x01\x04\x06public\xa0\x19",
        b"\x10\x0c\0\x04MQTT\x04\x02\0\x05\0\0",
        b"\x05\x01\0",
        b"GET /login?page=1 HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        assert!(harm(said).is_empty(), "{:?}", harm(said));
    }
}
