//! What does a service say before anything is said to it?
//!
//! # Sends
//! Nothing: it connects, listens for at most three seconds or 4 KiB, and hangs up.
//!
//! # Yields
//! What the service said, as SSH, FTP, SMTP, POP3, IMAP and MySQL do by themselves; or that it kept silent, as HTTP and
//! TLS do.

use std::borrow::Cow;
use std::time::Duration;

use super::{Ask, Brought, Errand, Probe, Reach};
use crate::model::heard::Heard;
use crate::model::plan::{Bound, Class, When};
use crate::model::saw::{Cut, GreetingSaw};
use crate::talk::{Opening, Unopened, secrets};

pub(super) static PROBE: Probe = Probe {
    name: Cow::Borrowed("greeting"),
    revision: 1,
    means: Cow::Borrowed("listens to what a service says by itself"),
    sends: Cow::Borrowed("nothing: it connects, listens and hangs up"),
    over: Reach::Service,
    when: When::Open,
    class: Class::Passive,
    bound: Bound { connections: 1, datagrams: 0, seconds: 8 },
    yields: None,
    ask: Ask::BuiltIn(|errand| Box::pin(ask(errand))),
};

/// A greeting is over when its speaker has been silent for so long.
const QUIET: Duration = Duration::from_millis(400);
/// Nobody needs more to introduce himself.
const MOST: usize = 4096;

async fn ask(errand: &Errand<'_>) -> Result<Brought, Unopened> {
    let port = errand.spot.service.map_or(0, |(_, port)| port);
    let mut talk = match errand.doors.open(Opening::to_port(port)).await {
        Ok(talk) => talk,
        Err(Unopened::Cut(cut)) => {
            return Brought::new(&GreetingSaw { said: None, cut: Some(cut) }, Vec::new());
        }
        Err(other) => return Err(other),
    };
    let (heard, cut) = talk.listen(errand.patience, QUIET, MOST).await;
    let said = (!heard.is_empty()).then(|| {
        let text = secrets::cut(&String::from_utf8_lossy(&heard));
        Heard::new(text.as_bytes(), MOST)
    });
    // A deadline that falls into our listening is our own end of it, not theirs.
    let cut = cut.filter(|cut| *cut != Cut::TimedOut);
    Brought::new(&GreetingSaw { said, cut }, talk.lines())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::scripted::{Script, ask};

    async fn greeting(script: Script) -> GreetingSaw {
        ask(&PROBE, script, None).await
    }

    #[tokio::test(start_paused = true)]
    async fn it_hears_who_speaks_first_and_waits_for_no_other() {
        let ssh = greeting(Script::says(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")).await;
        assert_eq!(ssh.said, Some("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".into()));
        assert_eq!(ssh.cut, None);
        let web = greeting(Script::says(b"")).await;
        assert_eq!(web, GreetingSaw { said: None, cut: None });
    }

    #[tokio::test(start_paused = true)]
    async fn a_megabyte_is_not_kept() {
        let long = greeting(Script::says(&vec![b'x'; 60_000])).await;
        assert_eq!(long.said.expect("some of it").raw().len(), MOST);
        assert_eq!(long.cut, Some(Cut::TooMuch));
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_door_is_told() {
        let script = Script { cut: Some(Cut::Refused), ..Script::default() };
        assert_eq!(greeting(script).await.cut, Some(Cut::Refused));
    }
}
