//! The harness's end of a worker process.

use super::failure::{Failure, FailureKind, of_exit};
use super::frame;
use super::output::Output;
use super::protocol::{
    BeginRequest, Ended, EvaluateRequest, Evaluated, Event, InspectRequest, OpenRequest, Opened,
    Outcome, PrepareRequest, Prepared, Reply, Request, StateRequest, StepRequest, Stepped,
    TokenizeRequest,
};
use crate::plugin::Description;
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long a worker may be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Without entering a new call or finishing a batch.
    pub silence: Duration,
}

/// A running worker. Dropping it ends the process.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    socket: UnixStream,
    replies: Receiver<io::Result<Option<Reply>>>,
    output: Output,
    limits: Limits,
    stage: Option<String>,
    requests: usize,
    /// Set once the process is gone; the worker is of no more use.
    dead: bool,
}

impl Worker {
    /// Starts a worker. `show` is given each line that it prints.
    ///
    /// The process ends with the thread that calls this (it asks the kernel for that), so call it from a
    /// thread that lives as long as the worker should.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn start(
        threads: usize,
        limits: Limits,
        show: impl Fn(&str) + Clone + Send + 'static,
    ) -> Result<Self, Failure> {
        let executable = std::env::current_exe().map_err(|e| Failure {
            kind: FailureKind::Worker(format!("where this program is: {e}")),
            stage: None,
            output: Vec::new(),
        })?;
        Self::start_program(&executable, threads, limits, show)
    }

    /// Starts a worker of another `kobench` binary, for programs that are not `kobench` themselves.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn start_program(
        executable: &Path,
        threads: usize,
        limits: Limits,
        show: impl Fn(&str) + Clone + Send + 'static,
    ) -> Result<Self, Failure> {
        let failed = |what: &str, e: io::Error| Failure {
            kind: FailureKind::Worker(format!("{what}: {e}")),
            stage: None,
            output: Vec::new(),
        };
        let (ours, theirs) = UnixStream::pair().map_err(|e| failed("a socket", e))?;
        // A plugin that never reads must not block the harness for ever.
        ours.set_write_timeout(Some(limits.silence)).map_err(|e| failed("a socket", e))?;
        let mut child = Command::new(executable)
            .arg("worker")
            .arg(std::process::id().to_string())
            // What libraries in the plugin take as their number of threads unless they are told otherwise.
            .env("RAYON_NUM_THREADS", threads.to_string())
            .env("OMP_NUM_THREADS", threads.to_string())
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that what a plugin starts can be ended with it.
            .process_group(0)
            .spawn()
            .map_err(|e| failed(&format!("starting {}", executable.display()), e))?;
        let output = Output::default();
        if let Some(stream) = child.stdout.take() {
            output.follow(stream, show.clone());
        }
        if let Some(stream) = child.stderr.take() {
            output.follow(stream, show);
        }
        let (sender, replies) = channel();
        let mut from = ours.try_clone().map_err(|e| failed("a socket", e))?;
        std::thread::spawn(move || {
            loop {
                let reply = frame::read(&mut from);
                let last = !matches!(reply, Ok(Some(_)));
                if sender.send(reply).is_err() || last {
                    break;
                }
            }
        });
        Ok(Self {
            child,
            socket: ours,
            replies,
            output,
            limits,
            stage: None,
            requests: 0,
            dead: false,
        })
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process is gone.
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// What the process has printed since this was asked last.
    pub fn take_output(&self) -> Vec<String> {
        self.output.take()
    }

    /// Loads a library and describes it.
    ///
    /// # Errors
    /// Whatever the plugin does instead.
    pub fn describe(&mut self, library: &Path) -> Result<Description, Failure> {
        match self.request(&Request::Describe(library.into()), &mut |_| {})? {
            Outcome::Described(description) => Ok(description),
            other => Err(self.nonsense(&other)),
        }
    }

    /// Opens a tokeniser and a model.
    ///
    /// # Errors
    /// Whatever the plugin does instead.
    pub fn open(
        &mut self,
        open: OpenRequest,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Opened, Failure> {
        match self.request(&Request::Open(open), on_event)? {
            Outcome::Opened(opened) => Ok(opened),
            other => Err(self.nonsense(&other)),
        }
    }

    /// Opens a model alone, whose statistics are given as JSON text, and closes it. What was open is closed before.
    ///
    /// # Errors
    /// Whatever the plugin does instead.
    pub fn inspect(&mut self, request: InspectRequest) -> Result<String, Failure> {
        match self.request(&Request::Inspect(request), &mut |_| {})? {
            Outcome::Inspected(stats) => Ok(stats),
            other => Err(self.nonsense(&other)),
        }
    }

    /// Runs the open model; logits come as events.
    ///
    /// # Errors
    /// Whatever the plugin does instead.
    pub fn evaluate(
        &mut self,
        request: EvaluateRequest,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Evaluated, Failure> {
        match self.request(&Request::Evaluate(request), on_event)? {
            Outcome::Evaluated(evaluated) => Ok(evaluated),
            other => Err(self.nonsense(&other)),
        }
    }

    /// Runs a tokeniser alone; what it makes of the rows comes as events.
    ///
    /// # Errors
    /// Whatever the plugin does instead.
    pub fn tokenize(
        &mut self,
        request: TokenizeRequest,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<(), Failure> {
        match self.request(&Request::Tokenize(request), on_event)? {
            Outcome::Tokenized => Ok(()),
            other => Err(self.nonsense(&other)),
        }
    }

    /// Encodes the rows that the open model is to be trained on.
    ///
    /// # Errors
    /// Whatever the plugin does instead.
    pub fn prepare(
        &mut self,
        request: PrepareRequest,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Prepared, Failure> {
        match self.request(&Request::Prepare(request), on_event)? {
            Outcome::Prepared(prepared) => Ok(prepared),
            other => Err(self.nonsense(&other)),
        }
    }

    /// One training step.
    ///
    /// # Errors
    /// Whatever the plugin does instead.
    pub fn step(
        &mut self,
        request: StepRequest,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Stepped, Failure> {
        match self.request(&Request::Step(request), on_event)? {
            Outcome::Stepped(stepped) => Ok(stepped),
            other => Err(self.nonsense(&other)),
        }
    }

    /// Makes the open model ready to train; gives its statistics as JSON text.
    ///
    /// # Errors
    /// Whatever the plugin does instead.
    pub fn begin_training(
        &mut self,
        request: BeginRequest,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<String, Failure> {
        match self.request(&Request::BeginTraining(request), on_event)? {
            Outcome::Begun(stats) => Ok(stats),
            other => Err(self.nonsense(&other)),
        }
    }

    /// Frees what training needed; says what it took.
    ///
    /// # Errors
    /// Whatever the plugin does instead.
    pub fn end_training(&mut self, on_event: &mut dyn FnMut(Event)) -> Result<Ended, Failure> {
        match self.request(&Request::EndTraining, on_event)? {
            Outcome::Trained(ended) => Ok(ended),
            other => Err(self.nonsense(&other)),
        }
    }

    /// Writes the open model into a directory.
    ///
    /// # Errors
    /// Whatever the plugin does instead.
    pub fn save(
        &mut self,
        request: StateRequest,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<(), Failure> {
        self.ready(&Request::Save(request), on_event)
    }

    /// Reads back what was saved.
    ///
    /// # Errors
    /// Whatever the plugin does instead.
    pub fn load(
        &mut self,
        request: StateRequest,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<(), Failure> {
        self.ready(&Request::Load(request), on_event)
    }

    pub(super) fn ready(
        &mut self,
        request: &Request,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<(), Failure> {
        match self.request(request, on_event)? {
            Outcome::Ready => Ok(()),
            other => Err(self.nonsense(&other)),
        }
    }

    pub(super) fn request(
        &mut self,
        request: &Request,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Outcome, Failure> {
        self.stage = None;
        self.requests += 1;
        if self.dead {
            return Err(self.failure(FailureKind::Worker("the process is gone already".into())));
        }
        if let Err(e) = frame::write(&mut self.socket, request) {
            return Err(match e.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => self.hung(),
                io::ErrorKind::InvalidData => self.failure(FailureKind::Worker(e.to_string())),
                _ => self.ended(),
            });
        }
        let mut heard = Instant::now();
        loop {
            // Log messages do not count: a plugin that hangs may still chatter.
            let left = self.limits.silence.saturating_sub(heard.elapsed());
            match self.replies.recv_timeout(left) {
                Ok(Ok(Some(Reply::Event(event)))) => {
                    match &event {
                        Event::Stage(stage) => self.stage = Some(stage.clone()),
                        Event::Logits { .. } | Event::Sequences(_) | Event::Queries(_) => {}
                        Event::Log { .. } => {
                            on_event(event);
                            continue;
                        }
                    }
                    heard = Instant::now();
                    on_event(event);
                }
                Ok(Ok(Some(Reply::Done(outcome)))) => {
                    self.output.settle_request(2 * self.requests);
                    return Ok(outcome);
                }
                Ok(Ok(Some(Reply::Failed { code, message, hint }))) => {
                    self.output.settle_request(2 * self.requests);
                    return Err(self.failure(FailureKind::Error { code, message, hint }));
                }
                Ok(Ok(None)) | Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
                Ok(Err(e)) if e.kind() == io::ErrorKind::InvalidData => {
                    self.kill();
                    return Err(self.failure(FailureKind::Worker(format!("sent garbage: {e}"))));
                }
                Ok(Err(_)) => return Err(self.ended()),
                Err(RecvTimeoutError::Timeout) => return Err(self.hung()),
            }
        }
    }

    /// The socket has closed: the process has ended or is about to.
    fn ended(&mut self) -> Failure {
        let deadline = Instant::now() + Duration::from_secs(5);
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                _ => break None,
            }
        };
        self.kill();
        self.output.settle();
        self.failure(match status {
            Some(status) => of_exit(status),
            None => FailureKind::Worker("closed its socket and went on".into()),
        })
    }

    fn hung(&mut self) -> Failure {
        self.kill();
        self.output.settle();
        self.failure(FailureKind::Hung { limit: self.limits.silence })
    }

    pub(super) fn nonsense(&mut self, outcome: &Outcome) -> Failure {
        self.kill();
        self.failure(FailureKind::Worker(format!("an answer to another question: {outcome:?}")))
    }

    fn failure(&mut self, kind: FailureKind) -> Failure {
        Failure { kind, stage: self.stage.take(), output: self.output.take() }
    }

    /// Ends the process, and what it has started.
    fn kill(&mut self) {
        if self.dead {
            return;
        }
        self.dead = true;
        let _ = self.socket.shutdown(Shutdown::Both);
        if let Some(group) =
            i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.dead {
            // A closed socket lets it end by itself, which frees a device in good order.
            let _ = self.socket.shutdown(Shutdown::Both);
            let deadline = Instant::now() + Duration::from_secs(2);
            while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        self.kill();
    }
}
