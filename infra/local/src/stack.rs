//! The stack: DynamoDB, SQS, the Lambda functions and their callers, all in this process.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use dynoxide::Database;
use threadless::Project;
use threadless::aws::Access;
use threadless::lambda::{self, Environment, Function, Host, ProjectCode};
use threadless::metrics::Meter;
use threadless::settings::Place;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use crate::client::sqs_client;
use crate::data::{self, Data, not_opened};
use crate::dynamodb::{self, TABLE};
use crate::figures::Totals;
use crate::front::{self, Front};
use crate::gateway::{self, Gateway};
use crate::guests::Guests;
use crate::invocation;
use crate::poller::{self, Poller};
use crate::serving::Hosts;
use crate::setup::{StackOptions, StartError};
use crate::sqs::{self, Served, Sqs};
use crate::template::Template;

/// The name of the queue.
const QUEUE: &str = "threadless.fifo";

/// The name of its dead-letter queue.
pub(crate) const DEAD_LETTERS: &str = "threadless-dead.fifo";

/// The time that running work gets when the stack stops. Unfinished work waits for the next start.
const LONGEST_STOP: Duration = Duration::from_secs(8);

/// A running stack. All of it ends when this value is dropped.
pub struct Stack {
    /// The address of the functions.
    pub front: SocketAddr,
    /// The address of the embedded DynamoDB.
    pub dynamodb: SocketAddr,
    /// The URL of the queue.
    pub queue_url: String,
    /// The URL of the dead-letter queue.
    pub dead_letters_url: String,
    /// The port of each pretend gateway, with the backends that send to it.
    pub pretended: Vec<(u16, Vec<String>)>,
    /// The first segment of the route, by engine.
    folders: BTreeMap<&'static str, String>,
    host: Host,
    /// The functions that run on a schedule, and their time-outs.
    scheduled: Vec<(Function, Duration)>,
    callers: JoinSet<()>,
    running: TaskTracker,
    _services: JoinSet<()>,
    queues: Sqs,
    _sqs: Served,
    // This is the last field, so that it is dropped last.
    _data: Option<Arc<Data>>,
}

impl Stack {
    /// Starts everything.
    pub async fn start(options: StackOptions) -> Result<Self, StartError> {
        let template = Template::read(options.project.template)?;
        let front = listen(options.port, "the functions").await?;
        let dynamodb = listen(options.dynamodb_port, "DynamoDB").await?;
        let sqs_listener = listen(options.sqs_port, "SQS").await?;

        let (database, queues, data) = open(&template, &options)?;
        let hosts = Hosts::new(&options.allow_hosts);
        let addresses = (local(&front, options.port)?, local(&dynamodb, options.dynamodb_port)?);
        let sqs = sqs::serve_to(&queues, sqs_listener, hosts.clone())
            .map_err(|problem| port_problem(options.sqs_port, "SQS", problem))?;
        let queue_url = sqs.queue_url(QUEUE);
        let environment = environment(&options, addresses.1, sqs.address(), &queue_url);
        let code = options.project.code;
        let mut host = environment.host(&options.settings, &(code.engines)(), code.apps)?;

        let totals = Arc::new(Totals::default());
        host.meter = Arc::clone(&totals) as Arc<dyn Meter>;
        let (mut services, mut callers, running) = (JoinSet::new(), JoinSet::new(), TaskTracker::new());
        let table = dynamodb::Server { database: database.clone(), data: data.clone(), hosts: hosts.clone() };
        services.spawn(dynamodb::serve(dynamodb, table));
        services.spawn(dynamodb::sweep_ttl(database));
        let poller = make_poller(&template, code, &environment, &queue_url, &host, &running)?;
        callers.spawn(poller::run(Arc::new(poller)));
        let mut scheduled = Vec::new();
        for name in &template.scheduled {
            let (function, timeout) = (known(code, name)?, template.timeouts[name]);
            scheduled.push((function, timeout));
            callers.spawn(tick(function, host.clone(), running.clone(), options.tick, timeout));
        }
        let mut pretended = Vec::new();
        if let Some(show) = options.gateway {
            for (port, backends) in gateway::ports(&options.settings) {
                if let Some(listener) = gateway::bind(port).await {
                    services.spawn(gateway::serve(listener, Arc::new(Gateway::showing(show))));
                    pretended.push((port, backends));
                }
            }
        }
        let (mut routes, mut folders) = (Vec::new(), BTreeMap::new());
        for route in template.routes {
            let (function, timeout) = (known(code, &route.function)?, template.timeouts[&route.function]);
            if let (Function::Http { engine } | Function::Tester { engine }, Some(folder)) =
                (function, route.key.split('/').nth(1))
            {
                folders.insert(engine, folder.to_owned());
            }
            routes.push((route, function, timeout));
        }
        let clock = Arc::clone(&options.clock);
        let front_door = Front {
            routes,
            host: host.clone(),
            clock,
            guests: Guests { hosts, project: Arc::clone(&host.project) },
            data: data.clone(),
            room: front::room(),
            totals,
            queues: queues.clone(),
            running: running.clone(),
        };
        callers.spawn(front::serve(Arc::new(front_door), front));
        Ok(Self {
            front: addresses.0,
            dynamodb: addresses.1,
            dead_letters_url: sqs.queue_url(DEAD_LETTERS),
            queue_url,
            pretended,
            folders,
            host,
            scheduled,
            callers,
            running,
            _services: services,
            queues,
            _sqs: sqs,
            _data: data,
        })
    }

    /// Stops the stack in order: nothing new begins, and running work gets a few seconds to finish.
    pub async fn stop(mut self) {
        self.callers.shutdown().await;
        self.running.close();
        let _ = tokio::time::timeout(LONGEST_STOP, self.running.wait()).await;
    }

    /// Runs the scheduled functions once, now. The poller works off the jobs that they enqueue, as always.
    ///
    /// # Errors
    /// Returns the error of the function.
    pub async fn tick(&self) -> Result<(), String> {
        for (function, timeout) in &self.scheduled {
            let ran = invocation::invoke(*function, &self.host, "{}", *timeout).await;
            ran.map_err(|problem| problem.to_string())?;
        }
        Ok(())
    }

    /// Returns whether no invocation is running and the queue is empty. Then nothing happens until a request comes, a
    /// schedule runs, or the time of waiting work comes.
    pub async fn is_idle(&self) -> bool {
        // The order matters: an invocation ends after its last effect on the queue.
        self.running.is_empty() && self.queues.is_empty(QUEUE).await
    }

    /// Returns the running project.
    pub fn project(&self) -> &Project {
        &self.host.project
    }

    /// Returns the URL of a backend. The route of the engine's function decides it.
    pub fn backend_url(&self, name: &str) -> String {
        let engine = self.project().backends().find(|(known, _)| known.as_str() == name);
        let folder =
            engine.and_then(|(_, engine)| self.folders.get(engine)).map_or("backend", String::as_str);
        format!("http://{}/{folder}/{name}/", self.front)
    }
}

/// Opens the table and the queues, either in the folder (which may be new) or in memory.
fn open(
    template: &Template,
    options: &StackOptions,
) -> Result<(Database, Sqs, Option<Arc<Data>>), StartError> {
    let place = options.data.as_deref().unwrap_or(Path::new("memory"));
    let failed = |problem: String| not_opened(place, &problem);
    let table = |file: Option<&Path>| dynamodb::open(file, options.durable, template);
    let queues =
        |file: Option<&Path>| open_queues(file, template, options).map_err(|problem| problem.to_string());
    let Some(folder) = &options.data else {
        return Ok((table(None).map_err(failed)?, queues(None).map_err(failed)?, None));
    };
    let mut data = Data::claim(folder)?;
    data.prepare(|name, file| match name {
        data::DYNAMODB => table(Some(file)).map(drop),
        _ => queues(Some(file)).map(drop),
    })?;
    let database = table(Some(&data.file(data::DYNAMODB))).map_err(failed)?;
    let queues = queues(Some(&data.file(data::SQS))).map_err(failed)?;
    data.watch()?;
    let data = Arc::new(data);
    let watched = Arc::clone(&data);
    queues.watch(move || watched.problem());
    Ok((database, queues, Some(data)))
}

fn open_queues(
    file: Option<&Path>,
    template: &Template,
    options: &StackOptions,
) -> Result<Sqs, crate::sqs::OpenError> {
    let sqs = Sqs::open(file, options.durable, Arc::clone(&options.clock))?;
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

/// Makes the environment that a deployed function would read.
fn environment(
    options: &StackOptions,
    dynamodb: SocketAddr,
    sqs: SocketAddr,
    queue_url: &str,
) -> Environment {
    Environment {
        table: TABLE.to_owned(),
        queue_url: queue_url.to_owned(),
        settings: None,
        secrets: std::env::var("THREADLESS_SECRETS").ok(),
        stack: "local".to_owned(),
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
    code: ProjectCode,
    environment: &Environment,
    queue_url: &str,
    host: &Host,
    running: &TaskTracker,
) -> Result<Poller, StartError> {
    let access = Access { endpoint_url: environment.sqs_url.clone(), ..environment.access.clone() };
    let worker = &template.worker;
    Ok(Poller {
        client: sqs_client(&access).map_err(lambda::EnvironmentError::from)?,
        queue_url: queue_url.to_owned(),
        batch_size: worker.batch_size,
        function: known(code, &worker.function)?,
        timeout: template.timeouts[&worker.function],
        host: host.clone(),
        running: running.clone(),
    })
}

fn known(code: ProjectCode, name: &str) -> Result<Function, StartError> {
    code.function(name).ok_or_else(|| StartError::Function(name.to_owned()))
}

/// Runs a function on a schedule, again and again. A run starts only after the run before it has ended.
async fn tick(function: Function, host: Host, running: TaskTracker, every: Duration, timeout: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let host = host.clone();
        let run = running.spawn(async move {
            if let Err(problem) = invocation::invoke(function, &host, "{}", timeout).await {
                tracing::warn!(error = %problem, "the tick failed");
            }
        });
        let _ = run.await;
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
