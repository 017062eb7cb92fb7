//! The real `httpserver` on a port of the system's choice, spoken to in raw bytes and, where a person would, with curl.
//!
//! The modules are the tests, by what they show. Nothing here sleeps for order: a test waits until what it waits for
//! is so.

mod access_log;
mod benchmark;
mod client_address;
mod clock;
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
mod rsyslog;
mod seal;
mod status;
mod systemd;
mod terminal;
mod together;
mod urgent;
mod without_length;
