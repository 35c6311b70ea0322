//! The worker's end: a loop over requests, in the process that holds the plugin.

use super::bench::{BenchSet, bench};
use super::evaluate::evaluate;
use super::failure::FailureKind;
use super::frame;
use super::output::MARK;
use super::protocol::{Ended, Event, InspectRequest, OpenRequest, Opened, Outcome, Reply, Request};
use super::tokenize::tokenize;
use super::train::{TrainingSet, prepare};
use crate::hint::Hint as _;
use crate::plugin::{CallError, Library, Model, PluginError, Tokenizer};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The worker's way to the harness; the plugin's log uses it too.
#[derive(Debug, Clone)]
pub(super) struct Wire(Arc<Mutex<UnixStream>>);

impl Wire {
    pub(super) fn send(&self, reply: &Reply) -> io::Result<()> {
        frame::write(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), reply)
    }

    pub(super) fn event(&self, event: Event) -> Result<(), ServeError> {
        self.send(&Reply::Event(event)).map_err(ServeError::Wire)
    }

    pub(super) fn stage(&self, stage: &str) -> Result<(), ServeError> {
        self.event(Event::Stage(stage.into()))
    }
}

/// Why a request was not served.
#[derive(Debug)]
pub(super) enum ServeError {
    /// The harness is gone.
    Wire(io::Error),
    /// The plugin does not load.
    Plugin(PluginError),
    /// A call failed.
    Call(CallError),
    /// The harness asked for something out of turn, or the plugin broke the interface's rules.
    Rule(String),
    /// The plugin's tokeniser made an encoding that contradicts itself or its input.
    Encoding(String),
}

impl From<CallError> for ServeError {
    fn from(e: CallError) -> Self {
        Self::Call(e)
    }
}
impl From<PluginError> for ServeError {
    fn from(e: PluginError) -> Self {
        Self::Plugin(e)
    }
}

/// What is open.
struct Session {
    library: Library,
    tokenizer: Tokenizer,
    model: Model,
    training: Option<TrainingSet>,
    bench: Option<BenchSet>,
}

/// Serves requests until the harness closes the socket. `harness` is its process id.
///
/// # Errors
/// If this is no worker's place: standard input is no socket.
pub fn serve(harness: u32) -> io::Result<()> {
    let mut from = take_socket()?;
    end_with(harness)?;
    let wire = Wire(Arc::new(Mutex::new(from.try_clone()?)));
    let log = wire.clone();
    crate::plugin::set_log(move |level, message| {
        let _ = log.send(&Reply::Event(Event::Log { level, message: message.into() }));
    });
    let mut session = None;
    while let Some(request) = frame::read::<Request>(&mut from)? {
        let reply = match answer(request, &mut session, &wire) {
            Ok(outcome) => Reply::Done(outcome),
            Err(ServeError::Wire(e)) => return Err(e),
            Err(e) => failed(e),
        };
        mark_output();
        wire.send(&reply)?;
    }
    Ok(())
}

/// The socket to the harness, which is this process's standard input; the plugin gets an empty one in its
/// place.
///
/// # Errors
/// If standard input is no socket.
pub(crate) fn take_socket() -> io::Result<UnixStream> {
    let socket: OwnedFd = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    let stream = UnixStream::from(socket);
    stream.peer_addr().map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "`kobench worker` is started by kobench itself, not by hand",
        )
    })?;
    Ok(stream)
}

/// Tells the harness that what was printed during the request is all there. A plugin may have closed the
/// streams; then there is nothing to tell.
fn mark_output() {
    for stream in [rustix::stdio::stdout(), rustix::stdio::stderr()] {
        let _ = rustix::io::write(stream, format!("\n{MARK}\n").as_bytes());
    }
}

/// Makes the kernel end this process when the harness dies, also when it is killed.
pub(crate) fn end_with(harness: u32) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // The harness may have died before that call.
    let parent = rustix::process::getppid().map(|p| p.as_raw_nonzero().get().unsigned_abs());
    if parent == Some(harness) {
        return Ok(());
    }
    Err(io::Error::other("the harness is gone"))
}

fn failed(error: ServeError) -> Reply {
    let (code, message, hint) = match error {
        ServeError::Call(e) => (e.code, format!("{}: {}", e.call, e.message), None),
        ServeError::Plugin(e) => ("plugin".into(), e.to_string(), e.hint()),
        ServeError::Rule(message) => ("internal error".into(), message, None),
        ServeError::Encoding(message) => {
            let hint =
                "this is a defect of the plugin's tokeniser; `kobench plugin check` shows more";
            ("bad encoding".into(), message, Some(hint.into()))
        }
        ServeError::Wire(e) => {
            ("worker".into(), FailureKind::Worker(e.to_string()).to_string(), None)
        }
    };
    Reply::Failed { code, message, hint }
}

fn load(path: &Path, wire: &Wire) -> Result<Library, ServeError> {
    wire.stage("load")?;
    Ok(Library::load(path)?)
}

fn opened(session: &mut Option<Session>) -> Result<&mut Session, ServeError> {
    session.as_mut().ok_or_else(|| ServeError::Rule("no model is open".into()))
}

fn answer(
    request: Request,
    session: &mut Option<Session>,
    wire: &Wire,
) -> Result<Outcome, ServeError> {
    match request {
        Request::Describe(path) => {
            let library = load(&path, wire)?;
            wire.stage("describe")?;
            Ok(Outcome::Described(library.describe()?))
        }
        Request::Open(OpenRequest { library: path, tokenizer, model }) => {
            let started = Instant::now();
            // Two models at once may be more than the memory holds.
            let library = match session.take() {
                Some(open) if open.library.path() == path => open.library,
                _ => load(&path, wire)?,
            };
            wire.stage("tokenizer_open")?;
            let tokenizer = library.open_tokenizer(&tokenizer)?;
            wire.stage("model_open")?;
            let mut model = library.open_model(&model)?;
            let stats = model.stats()?.to_string();
            *session = Some(Session { library, tokenizer, model, training: None, bench: None });
            Ok(Outcome::Opened(Opened { load_seconds: started.elapsed().as_secs_f64(), stats }))
        }
        Request::Inspect(InspectRequest { library: path, model }) => {
            *session = None;
            let library = load(&path, wire)?;
            wire.stage("model_open")?;
            let mut model = library.open_model(&model)?;
            wire.stage("model_stats")?;
            Ok(Outcome::Inspected(model.stats()?.to_string()))
        }
        Request::Evaluate(request) => {
            let open = opened(session)?;
            if let Some(set) = &mut open.training {
                set.peak_rss_bytes();
            }
            Ok(Outcome::Evaluated(evaluate(&request, &mut open.tokenizer, &mut open.model, wire)?))
        }
        Request::Prepare(request) => {
            let open = opened(session)?;
            let (set, prepared) = prepare(&request, &mut open.tokenizer, wire)?;
            open.training = Some(set);
            Ok(Outcome::Prepared(prepared))
        }
        Request::BeginTraining(request) => {
            let open = opened(session)?;
            wire.stage("model_seed")?;
            open.model.seed(request.seed)?;
            wire.stage("train_begin")?;
            open.model.train_begin(&request.settings)?;
            Ok(Outcome::Begun(open.model.stats()?.to_string()))
        }
        Request::Step(request) => {
            let open = opened(session)?;
            let Some(set) = &open.training else {
                return Err(ServeError::Rule("nothing was prepared for training".into()));
            };
            wire.stage("train_step")?;
            Ok(Outcome::Stepped(set.step(&mut open.model, &request)?))
        }
        Request::EndTraining => {
            let open = opened(session)?;
            wire.stage("train_end")?;
            let peak_rss_bytes = open.training.take().and_then(|mut set| set.peak_rss_bytes());
            let stats = open.model.stats()?.to_string();
            open.model.train_end()?;
            Ok(Outcome::Trained(Ended { peak_rss_bytes, stats }))
        }
        Request::Save(request) => {
            let open = opened(session)?;
            wire.stage("model_save")?;
            open.model.save(&request.directory, request.training)?;
            Ok(Outcome::Ready)
        }
        Request::Load(request) => {
            let open = opened(session)?;
            wire.stage("model_load")?;
            open.model.load(&request.directory, request.training)?;
            Ok(Outcome::Ready)
        }
        Request::BenchRows(rows) => {
            opened(session)?.bench = Some(BenchSet::new(rows)?);
            Ok(Outcome::Ready)
        }
        Request::Bench(request) => {
            let open = opened(session)?;
            let Some(set) = &open.bench else {
                return Err(ServeError::Rule("there are no rows to draw queries from".into()));
            };
            let benched = bench(&request, set, &mut open.tokenizer, &mut open.model, wire)?;
            Ok(Outcome::Benched(benched))
        }
        Request::Tokenize(request) => {
            let library = load(&request.library, wire)?;
            wire.stage("tokenizer_open")?;
            let mut tokenizer = library.open_tokenizer(&request.tokenizer)?;
            tokenize(&request, &mut tokenizer, wire)?;
            Ok(Outcome::Tokenized)
        }
    }
}
