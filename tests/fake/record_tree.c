#include "tests/fake/record_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/record_sample.h"

json_t *record_tree_at(json_t *root, const char *path)
{
	char word[64];

	while (*path && root) {
		size_t n = strcspn(path, ".[]");

		if (*path == '[') {
			root = json_array_get(root, strtoul(path + 1, NULL, 10));
			path += strcspn(path, "]") + 1;
		} else {
			assert_true(n < sizeof(word));
			memcpy(word, path, n);
			word[n] = 0;
			root = json_object_get(root, word);
			path += n;
		}
		path += *path == '.';
	}
	assert_non_null(root);
	return root;
}

json_t *record_tree_new(void)
{
	struct xp_record *r = record_sample_new();
	size_t len;
	char *json = record_sample_json(r, &len);
	json_t *tree = json_loadb(json, len, 0, NULL);

	assert_non_null(tree);
	free(json);
	record_sample_free(r);
	return tree;
}
