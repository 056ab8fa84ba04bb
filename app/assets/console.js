// What pages do beyond HTML. Everything hangs on attributes, so that no page needs a script of its own.
import "./frame.js";
import "./sidebar.js";
import "./confirm.js";
import "./forms.js"; // before the comboboxes: it puts back what was chosen in them
import "./combobox.js";
import "./show.js";
import "./lists.js";
import "./shortcuts.js";
import "./palette.js";
import "./progress.js";
import "./live.js";
import "./occupancy.js";
import "./leads.js";
import "./onboarding.js";
