/* Rule 31: file-overwrite. The text stands in docs/methods.md. */
#include "claim/judge.h"

/* What would help where writing in place does not. */
#define HELP "erase the volume that it lies on, or destroy the volume's key"

static const char *doubt_of(const struct xp_judge *j)
{
	if (!j->file)
		return j->erase ? "the file was not looked at" : NULL;
	if (!j->erase)
		return xp_place_doubt_before(j->file);
	if (!j->erase->file_known)
		return "the file was not looked at when it was written";
	return xp_place_doubt(j->file, &j->erase->file);
}

void xp_rule_file(struct xp_judge *j)
{
	const char *doubt;

	if (j->technique != XP_FILE_OVERWRITE)
		return;
	doubt = doubt_of(j);
	if (doubt)
		xp_judge_lower(j, 31, "place-unknown", XP_NONE, XP_OUTCOME_INDETERMINATE,
			       "whether its bytes were hit cannot be known: %s; " HELP, doubt);
	if (doubt && j->file)
		xp_judge_note(j, 31, "key-advice", "if it held a key: %s",
			      xp_place_advice(j->file));
	if (j->file && j->file->links > 1)
		xp_judge_note(j, 31, "other-names",
			      "the file has %llu names more; all of them have lost its contents",
			      (unsigned long long)(j->file->links - 1));
}
