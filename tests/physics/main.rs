//! Worlds from scenario texts: formulas, other TCPs, determinism, and what the reference states.

mod support;

mod aqm;
mod controllers;
mod determinism;
mod fuzz_scenarios;
mod guard_rails;
mod l4s;
mod labs;
mod links;
mod linux_bbr;
mod linux_cubic;
mod ns3;
mod reference_claims;
mod robustness;
mod scale;
mod scenarios;
mod spurious;
mod standstill;
mod tcp;
mod traces;
mod video;
mod wifi;
mod workloads;
