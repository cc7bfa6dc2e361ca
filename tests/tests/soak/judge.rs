//! The comparison of the observations with the promises. It makes no calls: it only counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use threadless::MessageId;
use threadless::store::{Direction, HistoryRow, State};

/// A message that a phone sent. Each number sends each text once.
#[derive(Clone, Debug)]
pub(crate) struct Texted {
    pub(crate) number: String,
    pub(crate) text: String,
    /// Whether bearerbox acknowledged the message.
    pub(crate) acknowledged: bool,
}

/// One request of smsbox.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) number: String,
    pub(crate) text: String,
    /// Its id in the router.
    pub(crate) id: MessageId,
    pub(crate) begun: usize,
    /// The moment at which it was answered with 200.
    pub(crate) taken: Option<usize>,
}

/// One request to sendsms.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) number: String,
    pub(crate) text: String,
    pub(crate) begun: usize,
    /// Whether Kannel may have taken it: Kannel said so, or gave no answer.
    pub(crate) perhaps_taken: bool,
}

/// All observations of one backend.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) texted: Vec<Texted>,
    pub(crate) asked: Vec<Asked>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) rows: Vec<HistoryRow>,
    /// The messages that the phones got: number and text.
    pub(crate) phones: Vec<(String, String)>,
    /// The number of messages that the app counted for each number.
    pub(crate) counted: BTreeMap<String, u32>,
}

/// One message on its way through the router.
#[derive(Debug)]
struct Message {
    number: String,
    text: String,
    first_begun: usize,
    first_taken: Option<usize>,
    deliveries: usize,
    handled: bool,
    reply: Option<Answer>,
    /// The moment at which it was first given to sendsms, and the number of times that Kannel may have taken it.
    first_sent: Option<usize>,
    perhaps_taken: usize,
}

/// The reply to a message, `<count> <word>`. The word is the last word of the message.
#[derive(Debug)]
struct Answer {
    text: String,
    count: u32,
    /// Its row in the history. The row is written beside the settlement. So if the stack dies in that moment, the reply
    /// is sent and its row is missing.
    row: Option<HistoryRow>,
}

/// The result of the comparison.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) texted: usize,
    acknowledged: usize,
    /// Messages that bearerbox acknowledged and that never reached the router: smsbox had them when it died.
    lost_by_kannel: usize,
    /// Answered 200.
    pub(crate) answered: usize,
    /// The deliveries of a message after its first.
    pub(crate) redelivered: usize,
    pub(crate) lost: usize,
    pub(crate) effects_doubled: usize,
    replies: usize,
    pub(crate) sends_doubled: usize,
    in_doubt: u32,
    pub(crate) undoubted: usize,
    /// Rows that a death left behind: the message went out, but the history does not show it.
    rows_behind: usize,
    pub(crate) out_of_order: usize,
    /// Replies that Kannel took and no phone got, and messages on phones that Kannel was not given.
    replies_lost_by_kannel: usize,
    replies_doubled_by_kannel: usize,
    /// The broken promises, in words.
    pub(crate) faults: Vec<String>,
}

impl Figures {
    pub(crate) fn of(evidence: &Evidence) -> Self {
        let messages = messages(evidence);
        let mut figures = Self {
            texted: evidence.texted.len(),
            acknowledged: evidence.texted.iter().filter(|texted| texted.acknowledged).count(),
            answered: messages.values().filter(|message| message.first_taken.is_some()).count(),
            redelivered: messages.values().map(|message| message.deliveries - 1).sum(),
            replies: messages.values().filter(|message| message.reply.is_some()).count(),
            ..Self::default()
        };
        figures.losses(evidence, &messages);
        figures.effects(evidence, &messages);
        figures.sends(evidence, &messages);
        figures.order(&messages);
        figures
    }

    fn fault(&mut self, fault: String) {
        // The first faults are enough to find the cause.
        if self.faults.len() < 20 {
            self.faults.push(fault);
        }
    }

    fn losses(&mut self, evidence: &Evidence, messages: &BTreeMap<MessageId, Message>) {
        for (id, message) in messages {
            // Its own row of history may be missing: the row is written beside the message, where there is room on the disk.
            let whole = message.reply.is_some() && message.perhaps_taken > 0;
            if message.first_taken.is_some() && !whole {
                self.lost += 1;
                self.fault(format!("lost: {id} {message:?}"));
            }
        }
        let ours: BTreeSet<(&str, &str)> = messages
            .values()
            .filter(|message| message.first_taken.is_some())
            .map(|message| (message.number.as_str(), message.text.as_str()))
            .collect();
        let acknowledged = evidence.texted.iter().filter(|texted| texted.acknowledged);
        self.lost_by_kannel =
            acknowledged.filter(|it| !ours.contains(&(it.number.as_str(), it.text.as_str()))).count();
    }

    /// Checks that each message with a reply counted one, and that no two counted the same. A message without an
    /// acknowledgement can have a reply too, if the stack died between its commit and the answer, and smsbox died as
    /// well. Then the message's own row is missing in the history.
    fn effects(&mut self, evidence: &Evidence, messages: &BTreeMap<MessageId, Message>) {
        let mut told: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for message in messages.values() {
            self.rows_behind += usize::from(message.reply.is_some() && !message.handled);
            self.rows_behind += usize::from(message.reply.as_ref().is_some_and(|reply| reply.row.is_none()));
            let counts = told.entry(&message.number).or_default();
            counts.extend(message.reply.as_ref().map(|reply| reply.count));
        }
        for (number, counts) in &mut told {
            counts.sort_unstable();
            let counted = evidence.counted.get(*number).copied().unwrap_or_default();
            let expected: Vec<u32> = (1..=counted).collect();
            if *counts != expected {
                self.effects_doubled +=
                    counted.abs_diff(u32::try_from(counts.len()).unwrap()).max(1) as usize;
                self.fault(format!("effects: {number} was counted {counted} times, and told {counts:?}"));
            }
        }
        let known: BTreeSet<(&str, &str)> = messages
            .values()
            .filter_map(|message| Some((message.number.as_str(), message.reply.as_ref()?.text.as_str())))
            .collect();
        for (number, text) in &evidence.phones {
            if !known.contains(&(number.as_str(), text.as_str())) {
                self.effects_doubled += 1;
                self.fault(format!("effects: {number} got {text:?}, which answers nothing"));
            }
        }
    }

    fn sends(&mut self, evidence: &Evidence, messages: &BTreeMap<MessageId, Message>) {
        for (id, message) in messages {
            let Some(reply) = &message.reply else { continue };
            let doubled = message.perhaps_taken.saturating_sub(1);
            self.sends_doubled += doubled;
            if let Some(row) = &reply.row {
                self.in_doubt += row.uncertain;
                if row.state == State::Queued {
                    self.rows_behind += 1;
                } else if doubled > row.uncertain as usize {
                    self.undoubted += 1;
                    self.fault(format!("sent twice without doubt: {id} {message:?}"));
                }
            }
            let at_phone = evidence
                .phones
                .iter()
                .filter(|(to, text)| *to == message.number && *text == reply.text)
                .count();
            self.replies_lost_by_kannel += usize::from(message.perhaps_taken > 0 && at_phone == 0);
            self.replies_doubled_by_kannel += at_phone.saturating_sub(message.perhaps_taken);
        }
    }

    /// Checks that if one message was accepted before another was first brought, it is counted first and answered
    /// first.
    fn order(&mut self, messages: &BTreeMap<MessageId, Message>) {
        let mut by_number: BTreeMap<&str, Vec<&Message>> = BTreeMap::new();
        for message in messages.values() {
            by_number.entry(&message.number).or_default().push(message);
        }
        for messages in by_number.values() {
            for earlier in messages {
                let before = |later: &&&Message| earlier.first_taken.is_some_and(|at| at < later.first_begun);
                for later in messages.iter().filter(before) {
                    let count = |message: &Message| message.reply.as_ref().map(|reply| reply.count);
                    let counts = count(earlier).zip(count(later)).is_none_or(|(one, two)| one < two);
                    let sent = earlier.first_sent.zip(later.first_sent).is_none_or(|(one, two)| one < two);
                    if !(counts && sent) {
                        self.out_of_order += 1;
                        self.fault(format!("out of order: {earlier:?} then {later:?}"));
                    }
                }
            }
        }
    }
}

fn messages(evidence: &Evidence) -> BTreeMap<MessageId, Message> {
    let mut messages: BTreeMap<MessageId, Message> = BTreeMap::new();
    for asked in &evidence.asked {
        let message = messages.entry(asked.id.clone()).or_insert_with(|| Message {
            number: asked.number.clone(),
            text: asked.text.clone(),
            first_begun: asked.begun,
            first_taken: None,
            deliveries: 0,
            handled: false,
            reply: None,
            first_sent: None,
            perhaps_taken: 0,
        });
        message.deliveries += 1;
        message.first_begun = message.first_begun.min(asked.begun);
        message.first_taken = message.first_taken.into_iter().chain(asked.taken).min();
    }
    let mut sent: BTreeMap<(&str, &str), Vec<&Sent>> = BTreeMap::new();
    for one in &evidence.sent {
        sent.entry((&one.number, &one.text)).or_default().push(one);
    }
    for row in &evidence.rows {
        match row.direction {
            Direction::In => {
                if let Some(message) = messages.get_mut(&row.id) {
                    message.handled = row.state == State::Handled;
                }
            }
            Direction::Out => {
                let Some(message) = row.in_reply_to.as_ref().and_then(|id| messages.get_mut(id)) else {
                    continue;
                };
                let count = count_in(&row.text).unwrap_or_default();
                message.reply = Some(Answer { text: row.text.clone(), count, row: Some(row.clone()) });
            }
        }
    }
    for message in messages.values_mut() {
        if message.reply.is_none() {
            message.reply = without_row(message, &evidence.sent);
        }
        let Some(reply) = &message.reply else { continue };
        let sends = sent.get(&(message.number.as_str(), reply.text.as_str()));
        let sends = sends.map_or(&[][..], |sends| &sends[..]);
        message.first_sent = sends.iter().map(|sent| sent.begun).min();
        message.perhaps_taken = sends.iter().filter(|sent| sent.perhaps_taken).count();
    }
    messages
}

fn count_in(reply: &str) -> Option<u32> {
    reply.split(' ').next()?.parse().ok()
}

/// Returns the reply to a message that has none in the history, if sendsms was given one.
fn without_row(message: &Message, sent: &[Sent]) -> Option<Answer> {
    let word = message.text.split(' ').next_back()?;
    let answers = |sent: &&Sent| {
        sent.number == message.number && sent.text.split_once(' ').is_some_and(|(_, rest)| rest == word)
    };
    let text = sent.iter().find(answers)?.text.clone();
    let count = count_in(&text)?;
    Some(Answer { text, count, row: None })
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  sent by phones             {:6}", self.texted)?;
        writeln!(f, "  acknowledged by bearerbox  {:6}", self.acknowledged)?;
        writeln!(f, "  lost by smsbox as it died  {:6}", self.lost_by_kannel)?;
        writeln!(f, "  answered 200               {:6}", self.answered)?;
        writeln!(f, "  delivered again            {:6}", self.redelivered)?;
        writeln!(f, "  LOST                       {:6}", self.lost)?;
        writeln!(f, "  EFFECTS DOUBLED            {:6}", self.effects_doubled)?;
        writeln!(f, "  replies                    {:6}", self.replies)?;
        writeln!(f, "  sends doubled              {:6}", self.sends_doubled)?;
        writeln!(f, "  attempts in doubt          {:6}", self.in_doubt)?;
        writeln!(f, "  SENT TWICE WITHOUT DOUBT   {:6}", self.undoubted)?;
        writeln!(f, "  OUT OF ORDER               {:6}", self.out_of_order)?;
        writeln!(f, "  rows that a death left     {:6}", self.rows_behind)?;
        writeln!(f, "  replies lost by Kannel     {:6}", self.replies_lost_by_kannel)?;
        write!(f, "  replies doubled by Kannel  {:6}", self.replies_doubled_by_kannel)
    }
}

/// Tests of the judge: it sees every fault.
mod tests {
    use threadless::ConnectionId;

    use super::*;

    fn id(nth: u32) -> MessageId {
        MessageId::from(format!("m{nth}").as_str())
    }

    fn row(id: MessageId, direction: Direction, state: State, text: &str) -> HistoryRow {
        HistoryRow {
            connection: ConnectionId::new("k".parse().unwrap(), "1".parse().unwrap()),
            at: jiff::Timestamp::UNIX_EPOCH,
            in_reply_to: None,
            id,
            direction,
            state,
            text: text.to_owned(),
            attempts: 1,
            uncertain: 0,
            detail: None,
        }
    }

    /// Returns three messages, one after the other, without a fault.
    fn well() -> Evidence {
        let mut evidence = Evidence { counted: [("1".to_owned(), 3)].into(), ..Evidence::default() };
        for nth in 1..=3 {
            let (number, text, at) = ("1".to_owned(), format!("count m{nth}"), nth as usize * 10);
            let reply = format!("{nth} m{nth}");
            evidence.texted.push(Texted { number: number.clone(), text: text.clone(), acknowledged: true });
            let asked = Asked {
                number: number.clone(),
                text: text.clone(),
                id: id(nth),
                begun: at,
                taken: Some(at + 1),
            };
            evidence.asked.push(asked);
            evidence.rows.push(row(id(nth), Direction::In, State::Handled, &text));
            let answer = row(id(nth).reply(1), Direction::Out, State::Sent, &reply);
            evidence.rows.push(HistoryRow { in_reply_to: Some(id(nth)), ..answer });
            evidence.sent.push(Sent {
                number: number.clone(),
                text: reply.clone(),
                begun: at + 2,
                perhaps_taken: true,
            });
            evidence.phones.push((number, reply));
        }
        evidence
    }

    #[test]
    fn what_is_well_is_called_well() {
        let figures = Figures::of(&well());
        assert_eq!(figures.faults, Vec::<String>::new());
        assert_eq!((figures.texted, figures.answered, figures.replies), (3, 3, 3));
    }

    #[test]
    fn each_thing_that_goes_wrong_is_seen() {
        type Spoil = fn(&mut Evidence);
        type Told = fn(&Figures) -> usize;
        let table: [(&str, Spoil, Told); 8] = [
            (
                "no reply",
                |e| {
                    e.rows.remove(3);
                    e.sent.remove(1);
                },
                |f| f.lost,
            ),
            ("never sent", |e| drop(e.sent.remove(1)), |f| f.lost),
            ("counted twice", |e| _ = e.counted.insert("1".to_owned(), 4), |f| f.effects_doubled),
            ("one count for two", |e| e.rows[3].text = "1 m2".to_owned(), |f| f.effects_doubled),
            (
                "a reply to nothing",
                |e| e.phones.push(("1".to_owned(), "4 m2".to_owned())),
                |f| f.effects_doubled,
            ),
            ("sent twice", |e| e.sent.push(e.sent[0].clone()), |f| f.undoubted),
            ("sent in the wrong order", |e| e.sent[2].begun = 1, |f| f.out_of_order),
            (
                "handled in the wrong order",
                |e| {
                    (e.rows[1].text, e.rows[3].text) = ("2 m1".to_owned(), "1 m2".to_owned());
                },
                |f| f.out_of_order,
            ),
        ];
        for (what, spoil, told) in table {
            let mut evidence = well();
            spoil(&mut evidence);
            let figures = Figures::of(&evidence);
            assert!(told(&figures) > 0 && !figures.faults.is_empty(), "{what}: {figures:?}");
        }
    }

    #[test]
    fn what_is_allowed_is_no_fault() {
        let mut evidence = well();
        // The message is in doubt, and was sent twice.
        evidence.rows[1].uncertain = 1;
        evidence.sent.push(evidence.sent[0].clone());
        // Bearerbox took the message, and it was lost with smsbox.
        evidence.texted.push(Texted {
            number: "1".to_owned(),
            text: "count m4".to_owned(),
            acknowledged: true,
        });
        // The message was processed, but the stack died before it could answer, and smsbox died too.
        evidence.rows[4].state = State::Received;
        evidence.asked[2].taken = None;
        // The message was brought twice.
        evidence.asked.push(Asked { begun: 90, taken: Some(91), ..evidence.asked[0].clone() });
        // The stack died after the reply was sent and settled, and before its row was written.
        evidence.rows.remove(3);
        let figures = Figures::of(&evidence);
        assert_eq!(figures.faults, Vec::<String>::new());
        assert_eq!((figures.sends_doubled, figures.in_doubt), (1, 1));
        assert_eq!((figures.lost_by_kannel, figures.redelivered, figures.rows_behind), (2, 1, 2));
    }
}
