//! The router: the installed apps, and the phases that take a message through them.

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

/// The faults of installed apps, jobs and catalogues: the name of each, and the problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.0.iter().map(|(what, fault)| format!("{what}: {fault}")).collect::<Vec<_>>().join("; "))]
pub struct FaultyApps(pub Vec<(String, String)>);

impl Default for Router {
    fn default() -> Self {
        Self::new()
    }
}

impl Router {
    /// The default time limit of one phase of one app.
    pub const PHASE_TIMEOUT: Duration = Duration::from_secs(5);

    /// The largest number of threads of one process that one app may block. While an app blocks this many threads, its
    /// phases do not begin, and the log says so.
    pub const MAX_BLOCKED: usize = 16;

    /// Creates a router without apps.
    pub fn new() -> Self {
        Self {
            apps: Arc::default(),
            usage: Arc::default(),
            jobs: Arc::default(),
            catalogues: Arc::default(),
            phase_timeout: Self::PHASE_TIMEOUT,
        }
    }

    /// Installs an app after the apps that are already installed.
    #[must_use]
    pub fn app(mut self, app: impl App) -> Self {
        Arc::make_mut(&mut self.usage).extend(app.usage());
        for job in app.jobs() {
            self.add_job(format!("{}.{}", app.name(), job.name), job);
        }
        Arc::make_mut(&mut self.apps).push(Arc::new(Installed::new(app)));
        self
    }

    /// Installs several apps that belong together, in the order in which `apps` installs them. The apps work as if they
    /// were installed one by one. [`Help`](crate::apps::Help) lists them under the name of the group.
    ///
    /// ```
    /// use threadless::Router;
    /// use threadless::apps::{Said, keyword};
    ///
    /// /// Apps as another crate could offer them.
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

    /// Returns the scheduled jobs by name. The name of a job begins with the name of its app.
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

    /// Lists the faults of the installed apps, of their [jobs](App::jobs) and of the catalogues, each with its name:
    /// the error of [`App::check`], an invalid schedule, and each fault of a [`Router::catalogue`] with its line. A
    /// Lambda function with such a fault does not start.
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
    /// `include_str!("../locale/am.po")`. This catalogue takes precedence over earlier catalogues and over the bundled
    /// ones. [`translate`](crate::translate) has a complete example.
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
    ///     "catalogue fr: line 1: %(nom)s is not in the original text",
    /// );
    /// ```
    #[must_use]
    pub fn catalogue(mut self, language: &str, po: &str) -> Self {
        Arc::make_mut(&mut self.catalogues).add(language, po);
        self
    }

    /// Lists texts that have no translation into a language of the project. The texts come from all catalogues, from
    /// the help of the apps and from the default response. The list also shows each language without a catalogue, and
    /// each catalogue whose language the project does not have. Each language has one line. The list is empty if
    /// everything is translated.
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

    /// Returns the translations that the phases use.
    pub(crate) fn catalogues(&self) -> &Catalogues {
        &self.catalogues
    }

    /// Sets the time limit of one phase of one app; at this limit the router gives up the phase. If the time of the
    /// message grows short, a phase may get [less time](App#time).
    #[must_use]
    pub fn phase_timeout(mut self, limit: Duration) -> Self {
        self.phase_timeout = limit;
        self
    }

    pub(crate) fn longest_phase(&self) -> Duration {
        self.phase_timeout
    }

    /// Returns the names of the installed apps, in order.
    pub fn names(&self) -> Vec<&str> {
        self.apps.iter().map(|app| app.name.as_str()).collect()
    }
}
