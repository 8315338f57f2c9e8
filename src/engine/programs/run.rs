//! One run of a program: one line in, a bounded answer out, and nobody of its process group left.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::{interval, sleep, sleep_until, timeout};

use crate::engine::world::{Stop, instant};
use crate::plugins::Plugin;
use crate::talk::{Ran, RanOut, Unopened};

/// So often it is looked whether the program has ended.
const LOOK: Duration = Duration::from_millis(10);
/// What was said before the end is waited for so long: somebody who left the group may hold the pipe for ever.
const LAST_WORDS: Duration = Duration::from_millis(250);
/// So long the system gets to end what was killed.
const BURIAL: Duration = Duration::from_secs(2);
/// So much of the standard error is kept.
const COMPLAINTS: usize = 4096;
/// How often a start is tried again while the system still counts the program as being written.
const TRIES: u32 = 50;

/// Runs it.
pub(super) async fn run(
    program: &Path,
    plugin: &Plugin,
    line: &str,
    stop: &Stop,
) -> Result<Ran, Unopened> {
    let name = &plugin.name;
    let child = start(program, plugin).await.map_err(|wrong| {
        Unopened::Refused(format!("the plug-in {name} cannot be started: {wrong}"))
    })?;
    let deadline = instant() + Duration::from_secs(plugin.bound.seconds.into());
    let mut group = Group::of(child)?;
    let most = usize::try_from(plugin.output).unwrap_or(usize::MAX);
    let mut said = Ear::of(group.child.stdout.take(), most);
    let mut complained = Ear::of(group.child.stderr.take(), most);
    let stdin = group.child.stdin.take();
    let mut saying = Box::pin(async move {
        if let Some(mut stdin) = stdin {
            // Whoever does not listen may answer all the same.
            let _ = stdin.write_all(line.as_bytes()).await;
        }
    });
    let mut spoken = false;
    let mut look = interval(LOOK);
    let cut = loop {
        tokio::select! {
            biased;
            () = stop.given() => return Err(Unopened::Stopped),
            () = sleep_until(deadline) => break Some(RanOut::TooSlow),
            _ = look.tick() => if group.has_ended() { break None },
            () = &mut saying, if !spoken => spoken = true,
            () = said.hear(), if said.is_open() => {}
            () = complained.hear(), if complained.is_open() => {}
        }
        if said.is_full() || complained.is_full() {
            break Some(RanOut::TooMuch);
        }
    };
    group.kill();
    if cut.is_none() {
        let _ = timeout(LAST_WORDS, async {
            said.hear_out().await;
            complained.hear_out().await;
        })
        .await;
    }
    let status = group.bury().await?;
    let full = (said.is_full() || complained.is_full()).then_some(RanOut::TooMuch);
    let by_itself = || match (status.code(), status.signal()) {
        (Some(code), _) => RanOut::Code(code),
        (None, signal) => RanOut::Signal(signal.unwrap_or(0)),
    };
    let mut complained = complained.heard;
    complained.truncate(COMPLAINTS);
    Ok(Ran { said: said.heard, complained, end: cut.or(full).unwrap_or_else(by_itself) })
}

/// Starts it, with nothing of our environment, in a process group of its own.
async fn start(program: &Path, plugin: &Plugin) -> io::Result<Child> {
    let mut tries = 0;
    loop {
        let started = Command::new(program)
            .args(&plugin.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        match started {
            // ETXTBSY: another thread began a program while the copy was open for writing, and has not let go yet.
            Err(wrong) if wrong.raw_os_error() == Some(26) && tries < TRIES => {
                tries += 1;
                sleep(LOOK).await;
            }
            other => return other,
        }
    }
}

/// A program and everybody in its process group; all of them end when this is dropped.
struct Group {
    child: Child,
    /// The number of the group, until the program is buried: from then on it may be somebody else's.
    id: Option<u32>,
}

impl Group {
    fn of(child: Child) -> Result<Self, Unopened> {
        let id = child.id();
        match id {
            Some(_) => Ok(Self { child, id }),
            None => Err(Unopened::Ours("a program has no number".into())),
        }
    }

    /// Whether the program has ended; it keeps its number all the same.
    fn has_ended(&self) -> bool {
        self.id.is_none_or(|id| postern_raw::has_ended(id).unwrap_or(true))
    }

    fn kill(&self) {
        if let Some(id) = self.id {
            let _ = postern_raw::kill_group(id);
        }
    }

    /// Takes the program's status from the system, so that no dead process stays in its table.
    async fn bury(&mut self) -> Result<ExitStatus, Unopened> {
        let ended = timeout(BURIAL, self.child.wait()).await;
        let status = ended
            .map_err(|_| {
                Unopened::Ours("the system does not end a program that was killed".into())
            })?
            .map_err(|wrong| Unopened::Ours(wrong.to_string()))?;
        self.id = None;
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One pipe of a program's, heard to a limit.
struct Ear<R> {
    from: Option<R>,
    heard: Vec<u8>,
    most: usize,
}

impl<R: AsyncRead + Unpin> Ear<R> {
    fn of(from: Option<R>, most: usize) -> Self {
        Self { from, heard: Vec::new(), most }
    }

    fn is_open(&self) -> bool {
        self.from.is_some()
    }

    /// Whether more was said than may be.
    fn is_full(&self) -> bool {
        self.heard.len() > self.most
    }

    /// Hears the rest, to the limit.
    async fn hear_out(&mut self) {
        while self.is_open() && !self.is_full() {
            self.hear().await;
        }
    }

    /// Hears some more. What is let go half-way has heard nothing.
    async fn hear(&mut self) {
        let Some(from) = &mut self.from else { return };
        let room = (self.most + 1 - self.heard.len().min(self.most)) as u64;
        match from.take(room.min(16 * 1024)).read_buf(&mut self.heard).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => self.from = None,
        }
    }
}
