//! The real `httpserver` on a port of the system's choice, tested with raw bytes and with curl.
//!
//! Each module has the tests of one subject. No test sleeps to order events: it waits for a condition.

mod access_log;
mod benchmark;
mod client_address;
mod clock;
mod collectors;
mod command_line;
mod confinement;
mod console;
mod contract;
mod deadlines;
mod documents;
mod echo;
mod environment;
mod first_steps;
mod harness;
mod help;
mod journal;
mod listeners;
mod log;
mod long_heads;
mod memory;
mod messages;
mod options;
mod own_files;
mod partial;
mod persistence;
mod pool;
mod put;
mod reasons;
mod resources;
mod seal;
mod status;
mod systemd;
mod terminal;
mod together;
mod urgent;
mod without_length;
