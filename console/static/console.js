// What every page does beyond showing itself. Everything here is a convenience: pages work without it.
import "./dialogs.js";
import "./editor.js";
import "./live.js";
import "./copy.js";
import "./sequence_editor.js";
import "./keys.js";
