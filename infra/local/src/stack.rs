//! The stack: DynamoDB, SQS, the functions and what calls them, all in this process.

use std::fs::{File, TryLockError};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Region};
use threadless::aws::{Access, http_client};
use threadless::config::Place;
use threadless::lambda::{self, Environment, Function, Host};
use threadless::{Clock, Deadline, Project, Router, SystemClock};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::dynamodb::{self, TABLE};
use crate::front::{self, Front};
use crate::gateway;
use crate::poller::{self, Poller};
use crate::sqs::{Served, Sqs};
use crate::template::{TEMPLATE, Template};

/// The queue's name.
const QUEUE: &str = "threadless.fifo";

/// Its dead-letter queue's name.
const DEAD_LETTERS: &str = "threadless-dead.fifo";

/// What to start.
#[derive(Clone)]
pub struct StackOptions {
    /// The front's port; 0 for any that is free.
    pub port: u16,
    /// DynamoDB's port.
    pub dynamodb_port: u16,
    /// SQS's port.
    pub sqs_port: u16,
    /// Where data is kept; in memory without it.
    pub data: Option<PathBuf>,
    /// The text of the settings.
    pub settings: String,
    /// The apps.
    pub apps: fn(Router) -> Router,
    /// How often the scheduled functions run.
    pub tick: Duration,
    /// Whether to stand in for gateways that do not listen, and how to show what they get.
    pub gateway: Option<fn(&str, &str)>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl StackOptions {
    /// Any free ports, nothing on disk, no pretend gateway, a tick every second: for tests.
    pub fn ephemeral(settings: &str) -> Self {
        Self {
            port: 0,
            dynamodb_port: 0,
            sqs_port: 0,
            data: None,
            settings: settings.to_owned(),
            apps: functions::apps,
            tick: Duration::from_secs(1),
            gateway: None,
            clock: Arc::new(SystemClock),
        }
    }
}

/// Why the stack does not start. One line each.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port cannot be had.
    #[error("port {port} for {what} cannot be had: {problem}")]
    Port {
        /// The port.
        port: u16,
        /// What for.
        what: &'static str,
        /// The system's words.
        problem: std::io::Error,
    },
    /// The data cannot be opened.
    #[error("the data in {place} cannot be opened: {problem}")]
    Data {
        /// Where.
        place: String,
        /// Why.
        problem: String,
    },
    /// The settings are faulty, or the environment is.
    #[error(transparent)]
    Environment(#[from] lambda::EnvironmentError),
    /// The template is faulty.
    #[error(transparent)]
    Template(#[from] crate::template::TemplateError),
    /// The functions and the template do not fit together.
    #[error("template.yaml has a function {0} that the functions package does not know")]
    Function(String),
}

/// A stack at work. All of it ends when this is dropped.
pub struct Stack {
    /// Where the functions answer.
    pub front: SocketAddr,
    /// Where the embedded DynamoDB answers.
    pub dynamodb: SocketAddr,
    /// The queue's URL.
    pub queue_url: String,
    /// The dead-letter queue's URL.
    pub dead_letters_url: String,
    /// The port of each gateway that this stands in for, with the backends that send to it.
    pub pretended: Vec<(u16, Vec<String>)>,
    host: Host,
    _sqs: Served,
    _tasks: JoinSet<()>,
    // Last, so that it goes last.
    _claim: Option<File>,
}

impl Stack {
    /// Starts everything.
    pub async fn start(options: StackOptions) -> Result<Self, StartError> {
        let template = Template::read(TEMPLATE)?;
        let front = listen(options.port, "the functions").await?;
        let dynamodb = listen(options.dynamodb_port, "DynamoDB").await?;
        let sqs_listener = listen(options.sqs_port, "SQS").await?;

        let data = options.data.as_deref();
        let claim = data.map(claim).transpose()?;
        let file = |name: &str| data.map(|data| data.join(name));
        let database = dynamodb::open(file("dynamodb.sqlite").as_deref(), &template)
            .map_err(|problem| not_opened(data.unwrap_or(Path::new("memory")), &problem))?;
        let sqs = open_queues(file("sqs.sqlite").as_deref(), &template, &options)
            .map_err(|problem| not_opened(data.unwrap_or(Path::new("memory")), &problem))?;

        let addresses = (local(&front, options.port)?, local(&dynamodb, options.dynamodb_port)?);
        let sqs =
            sqs.serve(sqs_listener).map_err(|problem| port_problem(options.sqs_port, "SQS", problem))?;
        let queue_url = sqs.queue_url(QUEUE);
        let environment = environment(&options, addresses.1, sqs.address(), &queue_url);
        let host = environment.host(&options.settings, &functions::engines(), options.apps)?;

        let mut tasks = JoinSet::new();
        tasks.spawn(dynamodb::serve(dynamodb, database.clone()));
        tasks.spawn(dynamodb::sweep_ttl(database));
        tasks.spawn(poller::run(Arc::new(make_poller(&template, &environment, &queue_url, &host)?)));
        for name in &template.scheduled {
            let (function, timeout) = (known(name)?, template.timeouts[name]);
            tasks.spawn(tick(function, host.clone(), options.tick, timeout));
        }
        let mut pretended = Vec::new();
        if let Some(show) = options.gateway {
            for (port, backends) in gateway::ports(&options.settings) {
                if let Some(listener) = gateway::bind(port).await {
                    tasks.spawn(gateway::serve(listener, show));
                    pretended.push((port, backends));
                }
            }
        }
        let mut routes = Vec::new();
        for route in template.routes {
            let (function, timeout) = (known(&route.function)?, template.timeouts[&route.function]);
            routes.push((route, function, timeout));
        }
        let clock = Arc::clone(&options.clock);
        tasks.spawn(front::serve(Arc::new(Front { routes, host: host.clone(), clock }), front));
        Ok(Self {
            front: addresses.0,
            dynamodb: addresses.1,
            dead_letters_url: sqs.queue_url(DEAD_LETTERS),
            queue_url,
            pretended,
            host,
            _sqs: sqs,
            _tasks: tasks,
            _claim: claim,
        })
    }

    /// The project at work.
    pub fn project(&self) -> &Project {
        &self.host.project
    }

    /// The URL of a backend.
    pub fn backend_url(&self, name: &str) -> String {
        format!("http://{}/backend/{name}/", self.front)
    }
}

/// Makes the folder, and takes it for this stack alone: a second one would hand out what the first has in hand.
/// The system gives it free with the file, however the process ends.
fn claim(data: &Path) -> Result<File, StartError> {
    std::fs::create_dir_all(data).map_err(|problem| not_opened(data, &problem))?;
    let file = File::create(data.join("lock")).map_err(|problem| not_opened(data, &problem))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(not_opened(data, &"another stack uses it")),
        Err(TryLockError::Error(problem)) => Err(not_opened(data, &problem)),
    }
}

fn open_queues(
    file: Option<&Path>,
    template: &Template,
    options: &StackOptions,
) -> Result<Sqs, crate::sqs::OpenError> {
    let sqs = Sqs::open(file, Arc::clone(&options.clock))?;
    sqs.ensure_queue(DEAD_LETTERS, &template.dead_letters)?;
    let mut attributes = template.queue.clone();
    let arn = format!("arn:aws:sqs:us-east-1:{}:{DEAD_LETTERS}", crate::sqs::ACCOUNT);
    let redrive =
        serde_json::json!({ "deadLetterTargetArn": arn, "maxReceiveCount": template.max_receive_count });
    attributes.insert("RedrivePolicy".to_owned(), redrive.to_string());
    sqs.ensure_queue(QUEUE, &attributes)?;
    sqs.release_in_flight()?;
    Ok(sqs)
}

/// What a deployed function would find in its environment.
fn environment(
    options: &StackOptions,
    dynamodb: SocketAddr,
    sqs: SocketAddr,
    queue_url: &str,
) -> Environment {
    Environment {
        table: TABLE.to_owned(),
        queue_url: Some(queue_url.to_owned()),
        settings: None,
        secrets: std::env::var("THREADLESS_SECRETS").ok(),
        log: String::new(),
        access: Access {
            region: "us-east-1".to_owned(),
            credentials: Credentials::new("local", "local", None, None, "local"),
            endpoint_url: None,
        },
        dynamodb_url: Some(format!("http://{dynamodb}")),
        sqs_url: Some(format!("http://{sqs}")),
        place: Place::Local,
        clock: Arc::clone(&options.clock),
    }
}

fn make_poller(
    template: &Template,
    environment: &Environment,
    queue_url: &str,
    host: &Host,
) -> Result<Poller, StartError> {
    let http = http_client().map_err(lambda::EnvironmentError::from)?;
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(environment.access.region.clone()))
        .credentials_provider(environment.access.credentials.clone())
        .http_client(http);
    config.set_endpoint_url(environment.sqs_url.clone());
    let worker = &template.worker;
    Ok(Poller {
        client: aws_sdk_sqs::Client::from_conf(config.build()),
        queue_url: queue_url.to_owned(),
        batch_size: worker.batch_size,
        function: known(&worker.function)?,
        timeout: template.timeouts[&worker.function],
        host: host.clone(),
    })
}

fn known(name: &str) -> Result<Function, StartError> {
    functions::function(name).ok_or_else(|| StartError::Function(name.to_owned()))
}

/// A schedule: runs the function again and again, one run after the other.
async fn tick(function: Function, host: Host, every: Duration, timeout: Duration) {
    loop {
        tokio::time::sleep(every).await;
        if let Err(problem) = lambda::invoke(function, &host, "{}", Deadline::within(timeout)).await {
            tracing::warn!(error = %problem, "tick");
        }
    }
}

async fn listen(port: u16, what: &'static str) -> Result<TcpListener, StartError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|problem| port_problem(port, what, problem))
}

fn local(listener: &TcpListener, port: u16) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|problem| port_problem(port, "the stack", problem))
}

fn port_problem(port: u16, what: &'static str, problem: std::io::Error) -> StartError {
    StartError::Port { port, what, problem }
}

fn not_opened(place: &Path, problem: &impl ToString) -> StartError {
    StartError::Data { place: place.display().to_string(), problem: problem.to_string() }
}
