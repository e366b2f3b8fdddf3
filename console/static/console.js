// What every page does beyond showing itself. Everything here is a convenience: pages work without it.
import "./dialogs.js";
import "./live.js";
