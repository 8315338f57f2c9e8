//! Recipes over connections: bytes in the clear or inside TLS, and DNS messages with their length before them.

use super::{Begun, Going, came_to_nothing, ending, foreign};
use crate::catalogue::recipe::{DnsAnswer, Ending, Hear, Medium, Question, Run, Turn, Until};
use crate::probe::dns;
use crate::probe::tls::{Shut, inside, server_name};
use crate::talk::{Opening, Talk, Unopened};

/// Says and hears bytes.
pub(super) async fn converse(going: &mut Going<'_>, run: &mut Run) -> Result<(), Unopened> {
    let mut talk = connect(going, run, Begun::No).await?;
    loop {
        match (going.turn(run), &mut talk) {
            (Turn::Say(bytes), Some(talk)) => {
                if let Err(cut) = talk.say(&bytes).await {
                    run.cut(ending(&cut));
                }
            }
            (Turn::Hear(hear), Some(talk)) => {
                let hear = Hear { patience: going.within(hear.patience), ..hear };
                let (heard, cut) = talk.hear_as(&hear).await;
                run.heard(&heard, cut.as_ref().map(ending));
            }
            (Turn::Reconnect, _) => {
                going.lines.extend(talk.take().map(|talk| talk.lines()).unwrap_or_default());
                talk = connect(going, run, Begun::Yes).await?;
            }
            (Turn::End, _) => break,
            // The interpreter says nothing over a connection that it was told is down.
            _ => return Err(foreign()),
        }
    }
    going.lines.extend(talk.map(|talk| talk.lines()).unwrap_or_default());
    Ok(())
}

/// Connects, and goes inside TLS where the recipe wants that. None when it came to nothing, which the interpreter was
/// told.
async fn connect(
    going: &mut Going<'_>,
    run: &mut Run,
    begun: Begun,
) -> Result<Option<Talk>, Unopened> {
    let spot = going.errand.spot;
    let talk = match going.errand.doors.open(Opening::to_port(going.port())).await {
        Ok(talk) => talk,
        Err(why) => {
            came_to_nothing(run, why, begun)?;
            return Ok(None);
        }
    };
    if going.asking.medium != Medium::Tls {
        return Ok(Some(talk));
    }
    match inside(talk, server_name(spot.name.as_deref(), spot.address)).await? {
        Ok(talk) => Ok(Some(talk)),
        Err(Shut { cut, lines }) => {
            going.lines.extend(lines);
            run.cut(ending(&cut));
            Ok(None)
        }
    }
}

/// Puts DNS questions, each over a connection of its own.
pub(super) async fn questions(going: &mut Going<'_>, run: &mut Run) -> Result<(), Unopened> {
    let mut begun = Begun::No;
    loop {
        let question = match going.turn(run) {
            Turn::Ask(question) => question,
            Turn::End => return Ok(()),
            _ => return Err(foreign()),
        };
        match going.errand.doors.open(Opening::to_port(going.port())).await {
            Ok(mut talk) => {
                begun = Begun::Yes;
                let answer = put(going, &mut talk, &question).await?;
                going.lines.extend(talk.lines());
                run.told(answer.as_ref().map_err(|end| *end));
            }
            Err(why) => came_to_nothing(run, why, begun)?,
        }
    }
}

/// Puts one question (RFC 1035 section 4.2.2: two bytes of length, then the message).
async fn put(
    going: &Going<'_>,
    talk: &mut Talk,
    question: &Question,
) -> Result<Result<DnsAnswer, Ending>, Unopened> {
    let (id, message) = dns::message(question).map_err(Unopened::Ours)?;
    talk.transcript().us(dns::words(question).as_bytes());
    let length = u16::try_from(message.len()).map_err(|wrong| Unopened::Ours(wrong.to_string()))?;
    let said = [length.to_be_bytes().as_slice(), &message].concat();
    if let Err(cut) = talk.say(&said).await {
        return Ok(Err(ending(&cut)));
    }
    let mut wanted = 2;
    let mut heard = Vec::new();
    for _ in 0..2 {
        let until = Until::Bytes(wanted);
        let most = going.asking.caps.bytes;
        let patience = going.within(going.errand.patience);
        let (bytes, cut) = talk.hear_as(&Hear { until, most, patience }).await;
        if let Some(cut) = cut {
            return Ok(Err(ending(&cut)));
        }
        heard = bytes;
        let length = heard.first_chunk().map_or(0, |length| u16::from_be_bytes(*length));
        wanted = usize::from(length).min(most);
    }
    let answer = dns::answer(&heard, id);
    if let Some(answer) = &answer {
        talk.transcript().them(dns::told(answer).as_bytes());
    }
    Ok(answer.ok_or(Ending::Garbled))
}
