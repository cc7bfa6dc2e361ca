//! Makes plans from seeds. Each profile prefers one kind of trouble, so that every kind occurs often.

use crate::dice::Dice;
use crate::plan::{
    Answer, Call, Event, Fault, Manner, PEOPLE, Person, Plan, ReportOf, ReportedStatus, Says, Shape, What,
};

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Profile {
    Races,
    Crashes,
    Gateway,
    OptOut,
    Spill,
    Queue,
    Reports,
    Others,
    Jobs,
    Contacts,
    Clocks,
    Mixed,
}

const PROFILES: [Profile; 12] = [
    Profile::Races,
    Profile::Crashes,
    Profile::Gateway,
    Profile::OptOut,
    Profile::Spill,
    Profile::Queue,
    Profile::Reports,
    Profile::Others,
    Profile::Jobs,
    Profile::Contacts,
    Profile::Clocks,
    Profile::Mixed,
];

/// Returns the plan of a seed.
pub fn plan(seed: u64) -> Plan {
    let mut dice = Dice::new(seed);
    let profile = dice.one_of(&PROFILES).unwrap_or(Profile::Mixed);
    let shape = shape(profile, &mut dice);
    let mut maker = Maker { dice, profile, shape, messages: Vec::new(), next: 0 };
    let count = maker.dice.between(4, 18);
    let mut events = Vec::new();
    for _ in 0..count {
        events.extend(maker.some());
    }
    events.sort_by_key(|event| (event.at, event.id));
    Plan { seed, shape, events }
}

fn shape(profile: Profile, dice: &mut Dice) -> Shape {
    let mixed = profile == Profile::Mixed;
    Shape {
        queued: match profile {
            Profile::Queue => true,
            Profile::Races | Profile::Clocks => dice.percent(25),
            _ => dice.percent(50),
        },
        reports: profile == Profile::Reports || mixed && dice.percent(50),
        jobs: profile == Profile::Jobs || mixed && dice.percent(30),
        flips: mixed && dice.percent(30),
        noise: true,
    }
}

struct Maker {
    dice: Dice,
    profile: Profile,
    shape: Shape,
    messages: Vec<(u32, u64)>,
    next: u32,
}

impl Maker {
    fn event(&mut self, at: u64, what: What) -> Event {
        self.next += 1;
        Event { id: self.next, at, what }
    }

    /// Returns an event, and the events that go with it.
    fn some(&mut self) -> Vec<Event> {
        let roll = self.dice.below(100);
        match self.profile {
            Profile::Races if roll < 70 => self.burst(),
            Profile::Crashes if roll < 50 => self.fault(),
            Profile::Gateway if roll < 45 => self.gateway(),
            Profile::OptOut if roll < 40 => self.wish(),
            Profile::Spill if roll < 60 => self.spill(),
            Profile::Reports if roll < 40 => self.gateway(),
            Profile::Others if roll < 30 => self.others(),
            Profile::Others if roll < 50 => self.withdrawn(),
            Profile::Jobs if roll < 20 => self.job_fault(),
            Profile::Queue | Profile::Jobs if roll < 40 => self.fault(),
            Profile::Contacts if roll < 60 => self.contact(),
            Profile::Clocks if roll < 30 => self.clock(),
            Profile::Clocks if roll < 55 => self.takeover(),
            _ => match self.dice.below(12) {
                0..=4 => self.message(None),
                5 => self.repeat(),
                6 => self.gateway(),
                7 | 8 => self.fault(),
                9 => self.others(),
                10 => self.rare(),
                _ => self.burst(),
            },
        }
    }

    /// Returns a moment. Often it is soon. Sometimes it is after the end of leases, ticks or visibility time-outs.
    fn at(&mut self) -> u64 {
        match self.dice.below(10) {
            0..=3 => self.dice.below(400),
            4..=5 => self.dice.below(6_000),
            6..=7 => self.dice.between(20_000, 40_000),
            8 => self.dice.between(58_000, 66_000),
            _ => self.dice.below(260_000),
        }
    }

    fn person(&mut self) -> Person {
        let all = u64::from(PEOPLE);
        let few = if self.profile == Profile::Races { 1 } else { 2 };
        let limit = if self.dice.percent(80) { few } else { all };
        u8::try_from(self.dice.below(limit)).unwrap_or(0)
    }

    fn says(&mut self) -> Says {
        match self.dice.below(20) {
            8..=10 => Says::Many(u8::try_from(self.dice.between(2, 4)).unwrap_or(2)),
            11 => Says::Tell(vec![self.person(), self.person()]),
            12..=13 => Says::Slow(u16::try_from(self.dice.between(5, 3_000)).unwrap_or(5)),
            14 => Says::Fail,
            15 => Says::Quiet,
            16 => Says::Name,
            17 => [Says::Stop, Says::Start][usize::from(self.dice.percent(50))].clone(),
            18 => Says::Hang,
            _ => Says::Count,
        }
    }

    fn says_at(&mut self, at: u64, from: Person, says: Says) -> Event {
        let named = !matches!(says, Says::Count) || self.dice.percent(95);
        let event = self.event(at, What::Message { from, says, named });
        if named {
            self.messages.push((event.id, at));
        }
        event
    }

    fn message(&mut self, at: Option<u64>) -> Vec<Event> {
        let at = at.unwrap_or_else(|| self.at());
        let (from, says) = (self.person(), self.says());
        vec![self.says_at(at, from, says)]
    }

    /// Returns several messages of one person at once, some of them twice.
    fn burst(&mut self) -> Vec<Event> {
        let (at, from) = (self.at(), self.person());
        let mut events = Vec::new();
        for _ in 0..self.dice.between(2, 3) {
            let later = self.dice.below(60);
            let says = self.says();
            events.push(self.says_at(at + later, from, says));
            if self.dice.percent(25) {
                let of = events.last().map_or(0, |event| event.id);
                let later = at + later + self.dice.below(50);
                events.push(self.event(later, What::Repeat { of }));
            }
        }
        if self.dice.percent(60) {
            let (call, after) = (self.call(), self.few());
            let fault = Fault::Slow(u32::try_from(self.dice.between(10, 300)).unwrap_or(10));
            events.push(self.event(at, What::Fault { call, after, fault }));
        }
        events
    }

    fn repeat(&mut self) -> Vec<Event> {
        let known = self.messages.clone();
        let Some((of, at)) = self.dice.one_of(&known) else { return self.message(None) };
        let later = if self.dice.percent(50) { self.dice.below(100) } else { self.at() };
        vec![self.event(at + later, What::Repeat { of })]
    }

    fn few(&mut self) -> u8 {
        u8::try_from(self.dice.below(4)).unwrap_or(0)
    }

    fn call(&mut self) -> Call {
        let usual = [
            Call::Any,
            Call::Commit,
            Call::Commit,
            Call::Settle,
            Call::Settle,
            Call::Load,
            Call::TakeLease,
            Call::Send,
            Call::Send,
            Call::Enqueue,
            Call::Record,
            Call::ExtendLease,
        ];
        let queue =
            [Call::Delete, Call::Delete, Call::Enqueue, Call::Commit, Call::Any, Call::Load, Call::Settle];
        let others = [
            Call::EnqueueAll,
            Call::Withdraw,
            Call::OpenBroadcast,
            Call::Part,
            Call::PartIsSpread,
            Call::Postpone,
        ];
        let jobs =
            [Call::Job, Call::PutJob, Call::Enqueue, Call::OpenBroadcast, Call::EnqueueAll, Call::PutJob];
        let calls: &[Call] = match self.profile {
            Profile::Queue => &queue,
            Profile::Others if self.dice.percent(60) => &others,
            Profile::Jobs if self.dice.percent(70) => &jobs,
            Profile::Spill if self.dice.percent(40) => &[Call::Refill, Call::Settle, Call::Commit],
            Profile::Reports if self.dice.percent(50) => &[Call::Report, Call::Enqueue, Call::Record],
            Profile::Contacts if self.dice.percent(30) => &[Call::Contact, Call::Load, Call::Commit],
            _ => &usual,
        };
        self.dice.one_of(calls).unwrap_or(Call::Any)
    }

    fn fault(&mut self) -> Vec<Event> {
        let ms = |dice: &mut Dice| {
            let long = dice.percent(50);
            u32::try_from(if long { dice.between(20_000, 90_000) } else { dice.between(10, 6_000) })
                .unwrap_or(10)
        };
        let fault = match self.dice.below(12) {
            0..=1 => Fault::ErrorBefore,
            2..=3 => Fault::ErrorAfter,
            4 => Fault::CrashBefore,
            5..=6 => Fault::CrashAfter,
            7 => Fault::FreezeBefore(ms(&mut self.dice)),
            8 => Fault::FreezeAfter(ms(&mut self.dice)),
            9 => Fault::Slow(ms(&mut self.dice)),
            10 => Fault::Twice,
            _ => Fault::Throttle(self.few()),
        };
        let (at, call, after) = (self.at(), self.call(), self.few());
        let mut events = vec![self.event(at, What::Fault { call, after, fault })];
        if self.dice.percent(60) {
            let soon = at + self.dice.below(50);
            events.extend(self.message(Some(soon)));
        }
        events
    }

    fn gateway(&mut self) -> Vec<Event> {
        let ms = |dice: &mut Dice, to: u64| u16::try_from(dice.between(10, to)).unwrap_or(10);
        let answer = match self.dice.below(10) {
            0 => Answer::Refuse,
            1 => Answer::Defer,
            2..=3 => Answer::Lose,
            4 => Answer::TakeAndHang,
            5 => Answer::Hang,
            6 => Answer::Slow(ms(&mut self.dice, 12_000)),
            7 => Answer::TakeLate(ms(&mut self.dice, 30_000)),
            _ => Answer::Accept,
        };
        let report = (self.shape.reports && self.dice.percent(80)).then(|| ReportOf {
            status: self
                .dice
                .one_of(&[
                    ReportedStatus::Delivered,
                    ReportedStatus::Failed,
                    ReportedStatus::FailedThenDelivered,
                    ReportedStatus::DeliveredThenUnderway,
                ])
                .unwrap_or(ReportedStatus::Delivered),
            delay: u32::try_from([0, 5, 400, 30_000][self.few() as usize]).unwrap_or(0),
            times: 1 + u8::from(self.dice.percent(40)),
        });
        let backend = u8::from(self.dice.percent(40));
        let count = 1 + self.few();
        let at = self.at();
        let what = What::Gateway { backend, manner: Manner { answer, report }, count };
        let mut events = vec![self.event(at, what)];
        if self.dice.percent(60) {
            let soon = at + self.dice.below(50);
            events.extend(self.message(Some(soon)));
        }
        events
    }

    /// Returns a STOP or START, with another event at about the same time.
    fn wish(&mut self) -> Vec<Event> {
        let (at, from) = (self.at(), self.person());
        let says = if self.dice.percent(65) { Says::Stop } else { Says::Start };
        let mut events = vec![self.says_at(at, from, says)];
        if self.dice.percent(70) {
            let before = at.saturating_sub(self.dice.below(80));
            let says = Says::Many(u8::try_from(self.dice.between(1, 4)).unwrap_or(1));
            events.push(self.says_at(before, from, says));
        }
        if self.dice.percent(40) {
            let to = vec![from];
            let later = at + self.dice.below(200);
            events.push(self.event(later, What::Broadcast { to }));
        }
        events
    }

    /// Returns messages with more replies than a record holds, at a gateway that does not take them.
    fn spill(&mut self) -> Vec<Event> {
        let (at, from) = (self.at(), self.person());
        let manner = Manner { answer: Answer::Defer, report: None };
        let mut events = Vec::new();
        if self.dice.percent(60) {
            let count = 1 + self.few();
            events.push(self.event(at, What::Gateway { backend: from % 2, manner, count }));
        }
        for _ in 0..self.dice.between(1, 3) {
            let replies = u8::try_from(self.dice.between(12, 32)).unwrap_or(12);
            let later = at + self.dice.below(400);
            events.push(self.says_at(later, from, Says::Many(replies)));
        }
        events
    }

    fn others(&mut self) -> Vec<Event> {
        let at = self.at();
        let to: Vec<Person> = (0..self.dice.between(1, 4)).map(|_| self.person()).collect();
        if self.dice.percent(50) {
            return vec![self.event(at, What::Broadcast { to })];
        }
        let from = self.person();
        vec![self.says_at(at, from, Says::Tell(to))]
    }

    fn contact(&mut self) -> Vec<Event> {
        let (at, from) = (self.at(), self.person());
        let other = self.person();
        let says = match self.dice.below(6) {
            0..=3 => Says::Name,
            4 => Says::Join(other),
            _ => Says::TellContact(other),
        };
        let mut events = vec![self.says_at(at, from, says)];
        if self.dice.percent(40) {
            let later = at + self.dice.below(60);
            events.push(self.says_at(later, other, Says::Name));
        }
        events
    }

    fn clock(&mut self) -> Vec<Event> {
        let by = [-600_000, -30_000, -2_000, 2_000, 30_000, 600_000];
        let by = self.dice.one_of(&by).unwrap_or(0);
        let (at, jump) = (self.at(), self.dice.percent(50));
        vec![self.event(at, What::Clock { by, jump })]
    }

    /// Returns several sends to others behind a reply that the gateway does not take. The queue's client repeats a
    /// call.
    fn withdrawn(&mut self) -> Vec<Event> {
        let (at, from) = (self.at(), self.person());
        let manner = Manner { answer: Answer::Defer, report: None };
        let count = 1 + self.few();
        let mut events = vec![self.event(at, What::Gateway { backend: from % 2, manner, count })];
        for _ in 0..self.dice.between(2, 3) {
            let (later, to) = (at + 1 + self.dice.below(300), vec![self.person()]);
            events.push(self.says_at(later, from, Says::Tell(to)));
        }
        let fault = if self.dice.percent(60) { Fault::Twice } else { Fault::Slow(400) };
        let after = u8::from(self.dice.percent(30));
        events.push(self.event(at, What::Fault { call: Call::Withdraw, after, fault }));
        events
    }

    /// Returns a fault of a call that a scheduled job makes, at about its due time.
    fn job_fault(&mut self) -> Vec<Event> {
        let calls =
            [Call::Enqueue, Call::PutJob, Call::Job, Call::OpenBroadcast, Call::EnqueueAll, Call::Delete];
        let call = self.dice.one_of(&calls).unwrap_or(Call::Enqueue);
        let fault =
            self.dice.one_of(&[Fault::ErrorBefore, Fault::CrashBefore, Fault::ErrorAfter, Fault::Twice]);
        let fault = fault.unwrap_or(Fault::ErrorBefore);
        let at = self.dice.between(110_000, 119_900);
        let after = u8::from(self.dice.percent(20));
        let mut events = vec![self.event(at, What::Fault { call, after, fault })];
        if self.dice.percent(50) {
            let later = self.dice.between(240_000, 300_000);
            events.extend(self.message(Some(later)));
        }
        events
    }

    /// Returns messages that arrive at an environment with a fast clock while the sweep's delivery continues slowly.
    fn takeover(&mut self) -> Vec<Event> {
        let from = self.person();
        let gateway = |answer, count| What::Gateway {
            backend: from % 2,
            manner: Manner { answer, report: None },
            count,
        };
        let slow = u16::try_from(self.dice.between(3_000, 9_500)).unwrap_or(3_000);
        let mut events =
            vec![self.event(0, gateway(Answer::Defer, 1)), self.event(1, gateway(Answer::Slow(slow), 8))];
        let replies = u8::try_from(self.dice.between(3, 6)).unwrap_or(3);
        events.push(self.says_at(2, from, Says::Many(replies)));
        // The clock is fast enough for the lease to seem over. But it is not fast enough for a lease that was extended
        // in time.
        let by = i64::try_from(self.dice.between(12_000, 22_000)).unwrap_or(12_000);
        let at = self.dice.between(60_500, 66_000);
        events.push(self.event(at, What::Clock { by, jump: true }));
        for _ in 0..self.dice.between(1, 3) {
            let (at, ms) = (at + self.dice.below(16_000), self.dice.between(1_000, 3_000));
            events.push(self.says_at(at, from, Says::Slow(u16::try_from(ms).unwrap_or(500))));
        }
        events
    }

    fn rare(&mut self) -> Vec<Event> {
        let at = self.at();
        let what = match self.dice.below(5) {
            0..=1 => What::Redeploy { kill: self.dice.percent(50), flip: self.shape.flips },
            2 => What::Silence { minutes: 1 + self.few() * 3 },
            3 => What::Redrive,
            _ => return self.clock(),
        };
        vec![self.event(at, what)]
    }
}
