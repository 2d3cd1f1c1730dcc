//! Requests beside the chat: its health, its figures, the network, and what an administrator does at the
//! [port](crate::live::admin), with the same words. An administrator's token comes as `Authorization: Bearer`;
//! a server without one answers no such request, because what stands before it may let anybody in.

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName};
use hyper::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};

use super::handshake::key_of;
use super::reply::{Problem, Reply, problem, reply};
use super::{Desk, metrics};
use crate::chat::message::Name;
use crate::chat::names::exact;
use crate::congestion::{self, script};
use crate::live::admin::{NO_NETWORK, Wanted, of_tcp, options_of};
use crate::live::gateway::{Change, Conditions, Options};
use crate::scenario::ScenarioError;

/// The description of all requests.
const OPENAPI: &str = include_str!("openapi.json");
/// The longest body, in bytes.
const BODY: usize = 64 * 1024;
/// Header in which a page shows the secret of its own connection.
const SESSION: HeaderName = HeaderName::from_static("x-session");

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// Networks that a page may choose, each a scenario file.
static PRESETS: &[(&str, &str)] = &[
    ("home", include_str!("../../../scenarios/networks/home.toml")),
    ("home-bloated", include_str!("../../../scenarios/networks/home-bloated.toml")),
    ("cafe", include_str!("../../../scenarios/networks/cafe.toml")),
    ("train", include_str!("../../../scenarios/networks/train.toml")),
    ("satellite", include_str!("../../../scenarios/networks/satellite.toml")),
];

/// Path of the limits.
const LIMITS: &str = "/api/limits";

/// The administrator's requests that only look, and those that do something with parameters of their body.
const LOOKS: [(&str, &str); 4] = [
    ("/api/stats", "get_stats"),
    ("/api/clients", "get_clients"),
    ("/api/rooms", "get_rooms"),
    ("/api/log", "get_log"),
];
const DEEDS: [(&str, &str); 4] = [
    ("/api/kick", "kick_client"),
    ("/api/broadcast", "broadcast"),
    ("/api/close-room", "close_room"),
    ("/api/shutdown", "shutdown"),
];

/// The answer to a request for none of the page's files.
pub(super) async fn answer(desk: &Desk, request: Request<Incoming>) -> Reply {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let command =
        |list: &[(&str, &'static str)]| list.iter().find(|(at, _)| *at == path).map(|(_, name)| *name);
    let result = match (&method, path.as_str()) {
        (&Method::GET, "/healthz") => Ok(reply(StatusCode::OK, TEXT, "ok\n")),
        (&Method::GET, "/api/openapi.json") => Ok(reply(StatusCode::OK, JSON, OPENAPI)),
        (&Method::GET, "/api/network") => network(desk, request.headers()),
        (&Method::PUT | &Method::PATCH, "/api/network") => change_network(desk, request).await,
        (&Method::GET, "/api/connection") => connection(desk, &request).await,
        (&Method::GET, "/metrics") => match check_token(desk, request.headers()).await {
            Ok(()) => Ok(exposition(desk, &request).await),
            Err(refused) => Err(refused),
        },
        // Any client may know how much is taken of all that it sends.
        (&Method::GET, LIMITS) => Ok(as_json(&desk.hub.borrow().limits())),
        (&Method::PATCH, LIMITS) => administer(desk, Some("set_limits"), request).await,
        (&Method::GET, _) if command(&LOOKS).is_some() => administer(desk, command(&LOOKS), request).await,
        (&Method::POST, _) if command(&DEEDS).is_some() => administer(desk, command(&DEEDS), request).await,
        _ if is_known(&path) => {
            Err(problem(StatusCode::METHOD_NOT_ALLOWED, "/api/openapi.json has the methods"))
        }
        _ => Err(problem(
            StatusCode::NOT_FOUND,
            "there is nothing of that name; /api/openapi.json has all requests",
        )),
    };
    result.unwrap_or_else(Problem::into)
}

/// The server's figures, in the format that is asked for.
async fn exposition(desk: &Desk, request: &Request<Incoming>) -> Reply {
    let accepted = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let format = metrics::Format::of(accepted);
    reply(StatusCode::OK, format.media_type(), metrics::text(desk, format).await)
}

fn is_known(path: &str) -> bool {
    let others =
        ["/healthz", "/metrics", "/chat", "/api/openapi.json", "/api/network", "/api/connection", LIMITS];
    others.contains(&path) || LOOKS.iter().chain(&DEEDS).any(|(known, _)| *known == path)
}

fn as_json(value: &Value) -> Reply {
    reply(StatusCode::OK, JSON, value.to_string())
}

/// An error unless the administrator's token comes with the request.
async fn check_token(desk: &Desk, headers: &HeaderMap) -> Result<(), Problem> {
    if desk.admin.token.is_none() {
        let words = "this server has no token for administrators; start it with --admin-token";
        return Err(problem(StatusCode::FORBIDDEN, words));
    }
    let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if desk.admin.admits(desk.from, sent.and_then(|value| value.strip_prefix("Bearer "))).await {
        return Ok(());
    }
    Err(problem(StatusCode::UNAUTHORIZED, "the administrator's token is missing or wrong"))
}

/// The members of a body.
async fn body(request: Request<Incoming>) -> Result<Value, Problem> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // A form of another site's page has no such type, and a script of it must ask before.
    if kind.split(';').next().unwrap_or_default().trim() != JSON {
        return Err(problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is application/json"));
    }
    let Ok(collected) = Limited::new(request.into_body(), BODY).collect().await else {
        return Err(problem(StatusCode::PAYLOAD_TOO_LARGE, "the body has more than 64 KiB, or has no end"));
    };
    let value = serde_json::from_slice(&collected.to_bytes());
    match value {
        Ok(value @ Value::Object(_)) => Ok(value),
        _ => Err(problem(StatusCode::BAD_REQUEST, "the body is no JSON object")),
    }
}

async fn administer(
    desk: &Desk,
    command: Option<&'static str>,
    request: Request<Incoming>,
) -> Result<Reply, Problem> {
    check_token(desk, request.headers()).await?;
    let params = if request.method() == Method::GET { json!({}) } else { body(request).await? };
    let asked = json!({ "command": command, "params": params });
    match desk.admin.answer(&asked).await {
        Ok(value) => Ok(as_json(&value)),
        Err(words) => Err(problem(StatusCode::UNPROCESSABLE_ENTITY, words)),
    }
}

fn no_network() -> Problem {
    problem(StatusCode::NOT_FOUND, NO_NETWORK)
}

/// The person that asks, by the secret of its page.
fn person(desk: &Desk, headers: &HeaderMap) -> Option<Name> {
    let key = headers.get(SESSION)?.to_str().ok().and_then(key_of)?;
    desk.hub.borrow().person_with(&key)
}

fn network(desk: &Desk, headers: &HeaderMap) -> Result<Reply, Problem> {
    let network = desk.admin.network.as_ref().ok_or_else(no_network)?;
    let now = network.now();
    let mut value = options_of(&now);
    value["description"] = now.describe().into();
    if let Some(own) = person(desk, headers).and_then(|nick| desk.hub.borrow().own_network(&nick).cloned()) {
        value["own"] = options_of(own.links.as_ref().unwrap_or(&now));
        let congestion = own.congestion.as_ref().unwrap_or(now.congestion());
        value["own"]["congestion"] = congestion.algorithm.name.into();
        value["own"]["description"] = own.describe().into();
    }
    value["presets"] = PRESETS.iter().map(|(name, _)| *name).collect();
    value["controllers"] = congestion::algorithms().iter().map(|algorithm| algorithm.name).collect();
    // A page asks whether it may, without a token to show.
    value["is_open"] = desk.hub.borrow().web().opens_network.into();
    value["is_own_open"] = opens_own(desk).into();
    Ok(as_json(&value))
}

/// True if each person on a page may change its own network: one whose links are shared is everybody's.
fn opens_own(desk: &Desk) -> bool {
    let has_links = desk.admin.network.as_ref().is_some_and(|network| network.first().has_own_links());
    has_links && desk.hub.borrow().web().opens_own_network
}

/// Another network, or with PATCH some of it.
async fn change_network(desk: &Desk, request: Request<Incoming>) -> Result<Reply, Problem> {
    let is_some = request.method() == Method::PATCH;
    let headers = request.headers().clone();
    // Of everybody's network a stranger's body is not even read.
    let is_own_open = opens_own(desk) && person(desk, &headers).is_some();
    let is_open = desk.hub.borrow().web().opens_network;
    if !is_open && !is_own_open {
        check_token(desk, &headers).await?;
    }
    if desk.admin.network.is_none() {
        return Err(no_network());
    }
    let asked = body(request).await?;
    let refused = |words| problem(StatusCode::UNPROCESSABLE_ENTITY, words);
    let name = text_of(&asked, "name").map_err(refused)?;
    let is_own =
        |name: &String| person(desk, &headers).is_some_and(|nick| exact(&nick) == exact(name.trim()));
    if !name.as_ref().map_or(is_open, |name| is_own_open && is_own(name)) {
        check_token(desk, &headers).await?;
    }
    let wanted = if is_some {
        let now = desk.admin.network_of(name.as_deref()).map_err(refused)?;
        Wanted::Some(change(&asked, &now).map_err(refused)?)
    } else if asked["preset"] == FIRST {
        Wanted::First
    } else {
        Wanted::Whole(conditions(&asked).map_err(refused)?, asked["congestion"].is_string())
    };
    let words = desk.admin.change_network(name.as_deref(), wanted).map_err(refused)?;
    Ok(as_json(&json!({ "description": words })))
}

/// Name of the preset that is the network as it was at the start.
const FIRST: &str = "first";

/// A member that is a text, if it is there.
fn text_of(asked: &Value, name: &str) -> Result<Option<String>, String> {
    match &asked[name] {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(format!("`{name}` is a text such as \"10%\" or \"20ms\"")),
    }
}

/// The network that is asked for: a preset, or the options of the command line.
fn conditions(asked: &Value) -> Result<Conditions, String> {
    let text = |name: &str| text_of(asked, name);
    let (options, file) = if let Some(name) = text("preset")? {
        let preset = PRESETS.iter().find(|(known, _)| *known == name);
        let names = || PRESETS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        (
            Options::default(),
            Some(*preset.ok_or_else(|| format!("there is no preset of that name, but {}", names()))?),
        )
    } else {
        (options(asked)?, None)
    };
    options.conditions(file).map_err(|error| words(&error))
}

/// Change that is asked for of a network.
fn change(asked: &Value, now: &Conditions) -> Result<Change, String> {
    const MEMBERS: [&str; 7] = ["name", "loss", "delay", "jitter", "rate", "queue", "congestion"];
    let mut members = asked.as_object().into_iter().flatten().map(|(member, _)| member.as_str());
    if let Some(other) = members.find(|member| !MEMBERS.contains(member)) {
        return Err(format!("`{other}` cannot be changed on its own: {}", MEMBERS[1..].join(", ")));
    }
    let options = options(asked)?;
    if options.is_empty() {
        return Err("name what is to change: loss, delay, jitter, rate, queue or congestion".to_owned());
    }
    Change::of(&options, now).map_err(|error| words(&error))
}

/// Problems without the lines of a file that nobody wrote.
fn words(error: &ScenarioError) -> String {
    let problems = error.problems.iter().map(|problem| problem.message.as_str());
    problems.collect::<Vec<_>>().join("; ")
}

/// The options of the command line among the members.
fn options(asked: &Value) -> Result<Options, String> {
    let text = |name: &str| text_of(asked, name);
    Ok(Options {
        loss: text("loss")?,
        delay: text("delay")?,
        jitter: text("jitter")?,
        rate: text("rate")?,
        queue: text("queue")?,
        congestion: match text("congestion")? {
            Some(word) if script::is_named(&word) => return Err(script::LATE.to_owned()),
            other => other,
        },
        ..Options::default()
    })
}

/// The TCP of the asking page's own path: that of the server's end, which sends to it.
async fn connection(desk: &Desk, request: &Request<Incoming>) -> Result<Reply, Problem> {
    let network = desk.admin.network.as_ref().ok_or_else(no_network)?;
    let secret = request.headers().get(SESSION).and_then(|secret| secret.to_str().ok()).and_then(key_of);
    let path = secret.and_then(|key| desk.hub.borrow().path_of(&key));
    let unknown = || problem(StatusCode::NOT_FOUND, "there is no connection with the secret of x-session");
    let path = path.ok_or_else(unknown)?;
    let statistics = network.statistics().await.map_err(|_| no_network())?;
    let ends = statistics.connections.into_iter().find(|(number, _)| *number == path);
    let (_, [near, far]) = ends.ok_or_else(unknown)?;
    let mut value = of_tcp(&far);
    value["flight"] = far.snapshot.flight.into();
    value["queue_bytes"] = far.written.saturating_sub(near.read).into();
    value["retransmissions"] = (far.stats.retransmits + near.stats.retransmits).into();
    Ok(as_json(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_no_script() {
        let asked = |word: &str| conditions(&json!({ "congestion": word, "delay": "20ms" }));
        assert_eq!(asked("python:cc.py:Aimd").err().as_deref(), Some(script::LATE));
        assert!(asked("cubic").is_ok());
    }
}
