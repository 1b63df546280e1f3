//! What each program does, told in its own terms; then what holds for all of them.

mod abm;
mod estilo;
mod estilo_calendar;
mod fixed;
mod gw_tools;
mod madrobots;
mod progressive;
mod return_guard;
mod segmented;
mod sela;
mod toy69;

mod between;
mod components;
mod concurrency;
mod confirmation;
mod faults;
mod holds;
mod hosted;
mod keys;
mod many_keys;
mod outages;
mod privacy;
mod problems;
mod program;
mod rebuild;
mod repeats;
mod returned_grace;
mod returns;
mod round_trips;
mod schedule;
mod sequences;
mod simulations;
mod time;
