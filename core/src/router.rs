//! The phases: takes one message through the installed apps.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tracing::{error, warn};

use crate::app::{App, AppError, Filter, Handled, Outbound};
use crate::contact::{Contact, ContactChange};
use crate::context::{About, Context, Reply};
use crate::known::Known;
use crate::message::{ConnectionId, Incoming, MessageId, Notice, Report};
use crate::schedule::Schedule;
use crate::send::Sending;
use crate::session::Session;
use crate::translate::Catalogues;
use crate::usage::Usage;

/// The installed apps, in order.
///
/// ```
/// use threadless::{Router, apps};
/// let router = Router::new().app(apps::Ping).app(apps::Echo).app(apps::DefaultReply);
/// assert_eq!(router.names(), ["Ping", "Echo", "DefaultReply"]);
/// ```
#[derive(Clone)]
pub struct Router {
    apps: Vec<Arc<dyn ErasedApp>>,
    usage: Arc<Vec<Usage>>,
    jobs: Arc<BTreeMap<String, Schedule>>,
    catalogues: Arc<Catalogues>,
    phase_timeout: Duration,
}

/// What became of a message in the phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// A filter dropped it.
    Filtered,
    /// An app's `handle` answered it or said so.
    Handled,
    /// A `fallback` took it.
    FellBack,
    /// Nobody did anything about it.
    Unhandled,
}

/// What the phases of one message come to: all of it is committed in one write, or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Who dealt with it.
    pub disposition: Disposition,
    /// The session to keep.
    pub session: Session,
    /// What becomes of the contact, if anything.
    pub contact: Option<ContactChange>,
    /// The replies to send, in order.
    pub replies: Vec<Reply>,
    /// What goes to others.
    pub sends: Vec<Sending>,
}

/// Apps that are not put together rightly, and catalogues: the name of each, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.0.iter().map(|(what, fault)| format!("{what}: {fault}")).collect::<Vec<_>>().join("; "))]
pub struct FaultyApps(pub Vec<(String, String)>);

impl Outcome {
    /// What a message of someone with this contact came to.
    fn of(disposition: Disposition, before: Option<&Contact>, mut cx: Context, replies: Vec<Reply>) -> Self {
        let sends = cx.take_sends();
        let Known { session, contact, .. } = cx.into_known();
        let contact = ContactChange::between(before, contact.as_ref());
        Self { disposition, session, contact, replies, sends }
    }
}

impl Default for Router {
    fn default() -> Self {
        Self::new()
    }
}

impl Router {
    /// How long one phase of one app may take, unless told otherwise.
    pub const PHASE_TIMEOUT: Duration = Duration::from_secs(5);

    /// A router without apps.
    pub fn new() -> Self {
        Self {
            apps: Vec::new(),
            usage: Arc::default(),
            jobs: Arc::default(),
            catalogues: Arc::default(),
            phase_timeout: Self::PHASE_TIMEOUT,
        }
    }

    /// Installs an app behind those that are there.
    #[must_use]
    pub fn app(mut self, app: impl App) -> Self {
        Arc::make_mut(&mut self.usage).extend(app.usage());
        for job in app.jobs() {
            self.add_job(format!("{}.{}", app.name(), job.name), job);
        }
        self.apps.push(Arc::new(app));
        self
    }

    /// Installs apps that belong together, in the order in which `apps` installs them. They work as if they were installed
    /// one by one; [`Help`](crate::apps::Help) lists them under the group's name.
    ///
    /// ```
    /// use threadless::Router;
    /// use threadless::apps::{Said, keyword};
    ///
    /// /// What a crate of its own could offer.
    /// fn stock(router: Router) -> Router {
    ///     router
    ///         .app(keyword("stock in", async |said: Said| format!("{} in", said.text())))
    ///         .app(keyword("stock out", async |said: Said| format!("{} out", said.text())))
    /// }
    ///
    /// let router = Router::new().group("stock", stock);
    /// assert_eq!(router.names(), ["stock in", "stock out"]);
    /// ```
    #[must_use]
    pub fn group(mut self, name: &str, apps: impl FnOnce(Self) -> Self) -> Self {
        let group = apps(Self::new());
        self.apps.extend(group.apps);
        for (job, schedule) in group.jobs.iter() {
            self.add_job(format!("{name}.{job}"), schedule.clone());
        }
        Arc::make_mut(&mut self.catalogues).extend(Arc::unwrap_or_clone(group.catalogues));
        let usage = group.usage.iter().cloned().map(|usage| Usage { group: name.to_owned(), ..usage });
        Arc::make_mut(&mut self.usage).extend(usage);
        self
    }

    /// The scheduled jobs by name, led by their app's.
    pub(crate) fn jobs(&self) -> &BTreeMap<String, Schedule> {
        &self.jobs
    }

    fn add_job(&mut self, name: String, job: Schedule) {
        let jobs = Arc::make_mut(&mut self.jobs);
        if let Some(before) = jobs.get_mut(&name) {
            before.when = Err("two jobs have this name".to_owned());
        } else {
            jobs.insert(name, job);
        }
    }

    /// What is wrong with the installed apps, their [jobs](App::jobs) and the catalogues, each with its name: what
    /// [`App::check`] says, schedules that are none, and each fault of a [`Router::catalogue`] with its line. A function with any of these does not start.
    pub fn check(&self) -> Result<(), FaultyApps> {
        let fault = |app: &Arc<dyn ErasedApp>| {
            Some((format!("app {:?}", app.name()), app.check().err()?.to_string()))
        };
        let faults = self.apps.iter().filter_map(fault);
        let job = |(name, job): (&String, &Schedule)| {
            Some((format!("job {name:?}"), job.when.as_ref().err()?.clone()))
        };
        let faults = faults.chain(self.jobs.iter().filter_map(job));
        let faults: Vec<_> = faults.chain(self.catalogues.faults().iter().cloned()).collect();
        if faults.is_empty() { Ok(()) } else { Err(FaultyApps(faults)) }
    }

    /// Adds translations into a language: the text of a gettext `.po` file, embedded with
    /// `include_str!("../locale/am.po")`. What it has counts for more than what earlier ones and the bundled ones
    /// have. [`translate`](crate::translate) shows the whole.
    ///
    /// ```
    /// use threadless::Router;
    /// let french = "msgid \"Thank you, %(name)s!\"\nmsgstr \"Merci, %(name)s !\"";
    /// assert!(Router::new().catalogue("fr", french).check().is_ok());
    ///
    /// let wrong = "msgid \"Thank you, %(name)s!\"\nmsgstr \"Merci, %(nom)s !\"";
    /// let faults = Router::new().catalogue("fr", wrong).check().unwrap_err();
    /// assert_eq!(
    ///     faults.to_string(),
    ///     "catalogue fr: line 1: %(nom)s is not in the text that this translates",
    /// );
    /// ```
    #[must_use]
    pub fn catalogue(mut self, language: &str, po: &str) -> Self {
        Arc::make_mut(&mut self.catalogues).add(language, po);
        self
    }

    /// What people will not be told in their language, although the project speaks it: texts of any catalogue, and
    /// the help of apps, that the catalogue of another language has not; languages without a catalogue and catalogues
    /// without a language. One line each; none where all is translated.
    ///
    /// ```
    /// use threadless::{About, Router};
    ///
    /// let mut about = About::default();
    /// about.languages.add("fr".parse()?, ["français"]);
    /// about.languages.add("om".parse()?, ["Oromoo"]);
    /// let router = Router::new()
    ///     .catalogue("fr", "msgid \"Thank you!\"\nmsgstr \"Merci !\"")
    ///     .catalogue("sw", "msgid \"Thank you!\"\nmsgstr \"Asante!\"");
    /// assert_eq!(
    ///     router.untranslated(&about),
    ///     [
    ///         "there is a catalogue for sw, which is not one of project.languages",
    ///         "om: \"Thank you!\" is not translated",
    ///     ],
    /// );
    /// # Ok::<(), threadless::InvalidLanguage>(())
    /// ```
    pub fn untranslated(&self, about: &About) -> Vec<String> {
        let help = self.usage.iter().map(|usage| usage.help.as_str());
        self.catalogues.missing(&about.languages, help.chain([about.default_response.as_str()]))
    }

    /// The translations, as the phases have them.
    pub(crate) fn catalogues(&self) -> &Catalogues {
        &self.catalogues
    }

    /// Sets how long one phase of one app may take before it is given up.
    #[must_use]
    pub fn phase_timeout(mut self, limit: Duration) -> Self {
        self.phase_timeout = limit;
        self
    }

    /// The names of the installed apps, in order.
    pub fn names(&self) -> Vec<&str> {
        self.apps.iter().map(|app| app.name()).collect()
    }

    /// Takes one message through all phases. It cannot fail: what an app does wrong harms only that app.
    ///
    /// Nothing is stored or sent. Needs a tokio runtime; an app that blocks its thread for good is given up like
    /// any other, but keeps that thread.
    pub async fn run(
        &self,
        message: Arc<Incoming>,
        known: impl Into<Known>,
        about: Arc<About>,
        now: Timestamp,
    ) -> Outcome {
        let known = known.into();
        let contact = known.contact.clone();
        let mut cx = self.context(message, known, about, now);
        let disposition = self.inbound(&mut cx).await;
        self.outcome(cx, contact.as_ref(), disposition).await
    }

    /// Takes a message that nobody asked for through the outgoing phase. For the apps it comes of a blank message
    /// of that connection.
    pub(crate) async fn run_outgoing(
        &self,
        notice: &Notice,
        known: Known,
        about: Arc<About>,
        now: Timestamp,
    ) -> Outcome {
        let contact = known.contact.clone();
        let mut cx = self.blank(&notice.id, &notice.connection, known, about, now).without_sends();
        let reply = self.outbound(&mut cx, Reply { text: notice.text.clone() }).await;
        let replies = within_limits(&cx, reply.into_iter().collect());
        Outcome::of(Disposition::Unhandled, contact.as_ref(), cx, replies)
    }

    /// Whether an app has a report phase.
    pub(crate) fn wants_reports(&self) -> bool {
        self.apps.iter().any(|app| app.wants_reports())
    }

    /// Takes what became of a message through the report phase, and what the apps reply to it through the outgoing
    /// phase.
    pub(crate) async fn run_report(
        &self,
        report: &Arc<Report>,
        known: Known,
        about: Arc<About>,
        now: Timestamp,
    ) -> Outcome {
        let contact = known.contact.clone();
        let mut cx = self.blank(&report.id, &report.connection, known, about, now);
        for app in self.apps.iter().filter(|app| app.wants_reports()) {
            let report = Arc::clone(report);
            let call = move |app: Arc<dyn ErasedApp>, mut cx: Context| async move {
                app.report(&mut cx, &report).await.map(|()| ((), cx))
            };
            self.changing(Phase::Report, app, &mut cx, call).await;
        }
        self.outcome(cx, contact.as_ref(), Disposition::Unhandled).await
    }

    /// The context where there is no message: that of a blank one.
    fn blank(
        &self,
        id: &MessageId,
        connection: &ConnectionId,
        known: Known,
        about: Arc<About>,
        now: Timestamp,
    ) -> Context {
        let blank = Incoming {
            id: id.clone(),
            connection: connection.clone(),
            text: String::new(),
            received_at: now,
            recipient: None,
            raw: None,
            details: BTreeMap::new(),
        };
        self.context(Arc::new(blank), known, about, now)
    }

    fn context(&self, message: Arc<Incoming>, known: Known, about: Arc<About>, now: Timestamp) -> Context {
        let (usage, catalogues) = (Arc::clone(&self.usage), Arc::clone(&self.catalogues));
        Context::new(message, known, about, usage, catalogues, now)
    }

    /// Takes the queued replies through the outgoing phase.
    async fn outcome(&self, mut cx: Context, seen: Option<&Contact>, disposition: Disposition) -> Outcome {
        let queued = cx.take_replies();
        let mut replies = Vec::with_capacity(queued.len());
        for reply in queued {
            if let Some(reply) = self.outbound(&mut cx, reply).await {
                replies.push(reply);
            }
        }
        let replies = within_limits(&cx, replies);
        Outcome::of(disposition, seen, cx, replies)
    }

    async fn inbound(&self, cx: &mut Context) -> Disposition {
        for app in &self.apps {
            if let Some(Filter::Drop) = self.phase(Phase::Filter, app, cx, |app, cx| app.filter(cx)).await {
                return Disposition::Filtered;
            }
        }
        for app in &self.apps {
            self.phase(Phase::Parse, app, cx, |app, cx| app.parse(cx)).await;
        }
        let mut disposition = Disposition::Unhandled;
        for app in &self.apps {
            if self.takes(Phase::Handle, app, cx, |app, cx| app.handle(cx)).await {
                disposition = Disposition::Handled;
                break;
            }
        }
        if disposition == Disposition::Unhandled {
            for app in &self.apps {
                if self.takes(Phase::Fallback, app, cx, |app, cx| app.fallback(cx)).await {
                    disposition = Disposition::FellBack;
                    break;
                }
            }
        }
        for app in &self.apps {
            self.phase(Phase::Cleanup, app, cx, |app, cx| app.cleanup(cx)).await;
        }
        disposition
    }

    /// Whether the app says that it handled the message, or has queued a reply to it.
    async fn takes(
        &self,
        phase: Phase,
        app: &Arc<dyn ErasedApp>,
        cx: &mut Context,
        call: for<'a> fn(&'a dyn ErasedApp, &'a mut Context) -> Called<'a, Handled>,
    ) -> bool {
        let before = cx.reply_count();
        let said = self.phase(phase, app, cx, call).await;
        said == Some(Handled::Yes) || cx.reply_count() > before
    }

    async fn phase<T: Send + 'static>(
        &self,
        phase: Phase,
        app: &Arc<dyn ErasedApp>,
        cx: &mut Context,
        call: for<'a> fn(&'a dyn ErasedApp, &'a mut Context) -> Called<'a, T>,
    ) -> Option<T> {
        let call = move |app: Arc<dyn ErasedApp>, mut cx: Context| async move {
            let said = call(app.as_ref(), &mut cx).await?;
            Ok((said, cx))
        };
        self.changing(phase, app, cx, call).await
    }

    /// Runs a phase that may change the context.
    async fn changing<
        T: Send + 'static,
        F: Future<Output = Result<(T, Context), AppError>> + Send + 'static,
    >(
        &self,
        phase: Phase,
        app: &Arc<dyn ErasedApp>,
        cx: &mut Context,
        call: impl FnOnce(Arc<dyn ErasedApp>, Context) -> F,
    ) -> Option<T> {
        let (before, work) = (cx.known().clone(), call(Arc::clone(app), cx.clone()));
        let task = async move {
            let (said, after) = work.await?;
            after.known().within_limits(&before)?;
            Ok((said, after))
        };
        let (said, after) = self.guarded(phase, app.name(), cx, task).await?;
        *cx = after;
        Some(said)
    }

    async fn outbound(&self, cx: &mut Context, mut reply: Reply) -> Option<Reply> {
        for app in self.apps.iter().rev() {
            let (task_app, task_cx, mut task_reply) = (Arc::clone(app), cx.clone(), reply.clone());
            let task = async move {
                let said = task_app.outgoing(&task_cx, &mut task_reply).await?;
                Ok((said, task_reply))
            };
            match self.guarded(Phase::Outgoing, app.name(), cx, task).await {
                Some((Outbound::Cancel, _)) => return None,
                Some((Outbound::Send, changed)) => reply = changed,
                None => {}
            }
        }
        Some(reply)
    }

    /// Runs one phase of one app as a task of its own, so that a panic, a hang or a blocked thread is its own
    /// affair. `None`, after a line in the log, where it failed.
    async fn guarded<T: Send + 'static>(
        &self,
        phase: Phase,
        app: &str,
        cx: &mut Context,
        work: impl Future<Output = Result<T, AppError>> + Send + 'static,
    ) -> Option<T> {
        use tracing::Instrument as _;
        let mut task = tokio::spawn(work.in_current_span());
        let phase = phase.name();
        match tokio::time::timeout(self.phase_timeout, &mut task).await {
            Ok(Ok(Ok(value))) => return Some(value),
            Ok(Ok(Err(problem))) => {
                error!(app, phase, outcome = "app_error", error = %problem, "an app failed");
            }
            Ok(Err(gone)) => {
                error!(app, phase, outcome = "app_panic", error = %panic_text(gone), "an app panicked");
            }
            Err(_) => {
                task.abort();
                let limit = self.phase_timeout.as_secs_f32();
                error!(app, phase, outcome = "app_timeout", limit, "an app took too long");
            }
        }
        cx.disown();
        None
    }
}

/// What the app panicked with.
fn panic_text(gone: tokio::task::JoinError) -> String {
    match gone.try_into_panic() {
        Ok(payload) => {
            let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
            text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
        }
        Err(gone) => gone.to_string(),
    }
}

fn within_limits(cx: &Context, mut replies: Vec<Reply>) -> Vec<Reply> {
    let queued = replies.len();
    replies.retain(|reply| reply.text.len() <= Context::MAX_REPLY_BYTES);
    replies.truncate(Context::MAX_REPLIES);
    let left_out = queued - replies.len();
    if left_out > 0 {
        let message_id = cx.message_id().as_str();
        warn!(message_id, left_out, outcome = "replies_left_out", "too many replies, or too long");
    }
    replies
}

#[derive(Clone, Copy)]
enum Phase {
    Filter,
    Parse,
    Handle,
    Fallback,
    Cleanup,
    Outgoing,
    Report,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Parse => "parse",
            Self::Handle => "handle",
            Self::Fallback => "fallback",
            Self::Cleanup => "cleanup",
            Self::Outgoing => "outgoing",
            Self::Report => "report",
        }
    }
}

type Called<'a, T> = Pin<Box<dyn Future<Output = Result<T, AppError>> + Send + 'a>>;

/// [`App`] with its futures boxed, so that apps of different types stand in one list.
trait ErasedApp: Send + Sync {
    fn name(&self) -> &str;
    fn check(&self) -> Result<(), AppError>;
    fn filter<'a>(&'a self, cx: &'a mut Context) -> Called<'a, Filter>;
    fn parse<'a>(&'a self, cx: &'a mut Context) -> Called<'a, ()>;
    fn handle<'a>(&'a self, cx: &'a mut Context) -> Called<'a, Handled>;
    fn fallback<'a>(&'a self, cx: &'a mut Context) -> Called<'a, Handled>;
    fn cleanup<'a>(&'a self, cx: &'a mut Context) -> Called<'a, ()>;
    fn outgoing<'a>(&'a self, cx: &'a Context, reply: &'a mut Reply) -> Called<'a, Outbound>;
    fn wants_reports(&self) -> bool;
    fn report<'a>(&'a self, cx: &'a mut Context, report: &'a Report) -> Called<'a, ()>;
}

impl<A: App> ErasedApp for A {
    fn name(&self) -> &str {
        App::name(self)
    }
    fn check(&self) -> Result<(), AppError> {
        App::check(self)
    }
    fn filter<'a>(&'a self, cx: &'a mut Context) -> Called<'a, Filter> {
        Box::pin(App::filter(self, cx))
    }
    fn parse<'a>(&'a self, cx: &'a mut Context) -> Called<'a, ()> {
        Box::pin(App::parse(self, cx))
    }
    fn handle<'a>(&'a self, cx: &'a mut Context) -> Called<'a, Handled> {
        Box::pin(App::handle(self, cx))
    }
    fn fallback<'a>(&'a self, cx: &'a mut Context) -> Called<'a, Handled> {
        Box::pin(App::fallback(self, cx))
    }
    fn cleanup<'a>(&'a self, cx: &'a mut Context) -> Called<'a, ()> {
        Box::pin(App::cleanup(self, cx))
    }
    fn outgoing<'a>(&'a self, cx: &'a Context, reply: &'a mut Reply) -> Called<'a, Outbound> {
        Box::pin(App::outgoing(self, cx, reply))
    }
    fn wants_reports(&self) -> bool {
        App::wants_reports(self)
    }
    fn report<'a>(&'a self, cx: &'a mut Context, report: &'a Report) -> Called<'a, ()> {
        Box::pin(App::report(self, cx, report))
    }
}
