/* SPDX-License-Identifier: Apache-2.0 */
/* Private to term, progress and prompt. */
#ifndef MAYFLY_CLIENT_TERM_INT_H
#define MAYFLY_CLIENT_TERM_INT_H

/* Clear the line of progress, so that a message does not hang on it; the next bytes draw it anew.
 */
void progress_hide(void);

#endif
