//! The installed apps, and the phases that take a message through them.

pub(crate) mod apart;
pub(crate) mod budget;
mod course;
mod erased;
mod outcome;
mod phase;
mod run;
mod threads;
mod work;

pub use outcome::{Disposition, Outcome};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::app::context::About;
use crate::app::schedule::Schedule;
use crate::app::usage::Usage;
use crate::consent::is_answered_in;
use crate::translate::Catalogues;
use erased::Installed;

/// The installed apps, in order.
///
/// ```
/// use threadless::{Router, apps};
/// let router = Router::new().app(apps::Ping).app(apps::Echo).app(apps::DefaultReply);
/// assert_eq!(router.names(), ["Ping", "Echo", "DefaultReply"]);
/// ```
#[derive(Clone)]
pub struct Router {
    apps: Arc<Vec<Arc<Installed>>>,
    usage: Arc<Vec<Usage>>,
    jobs: Arc<BTreeMap<String, Schedule>>,
    catalogues: Arc<Catalogues>,
    phase_timeout: Duration,
}

/// Apps that are not put together rightly, and catalogues: the name of each, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.0.iter().map(|(what, fault)| format!("{what}: {fault}")).collect::<Vec<_>>().join("; "))]
pub struct FaultyApps(pub Vec<(String, String)>);

impl Default for Router {
    fn default() -> Self {
        Self::new()
    }
}

impl Router {
    /// How long one phase of one app may take, unless told otherwise.
    pub const PHASE_TIMEOUT: Duration = Duration::from_secs(5);

    /// How many threads of a process one app may block. While it blocks so many, its phases are not begun, and the log
    /// says so.
    pub const MAX_BLOCKED: usize = 16;

    /// A router without apps.
    pub fn new() -> Self {
        Self {
            apps: Arc::default(),
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
        Arc::make_mut(&mut self.apps).push(Arc::new(Installed::new(app)));
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
        Arc::make_mut(&mut self.apps).extend(group.apps.iter().cloned());
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
        let fault =
            |app: &Arc<Installed>| Some((format!("app {:?}", app.name), app.app.check().err()?.to_string()));
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
        let texts = help.chain([about.default_response.as_str()]);
        self.catalogues.missing(&about.languages, texts, is_answered_in)
    }

    /// The translations, as the phases have them.
    pub(crate) fn catalogues(&self) -> &Catalogues {
        &self.catalogues
    }

    /// Sets how long one phase of one app may take before it is given up. Where the time of the message grows short it may
    /// take [less](App#time).
    #[must_use]
    pub fn phase_timeout(mut self, limit: Duration) -> Self {
        self.phase_timeout = limit;
        self
    }

    pub(crate) fn longest_phase(&self) -> Duration {
        self.phase_timeout
    }

    /// The names of the installed apps, in order.
    pub fn names(&self) -> Vec<&str> {
        self.apps.iter().map(|app| app.name.as_str()).collect()
    }
}
