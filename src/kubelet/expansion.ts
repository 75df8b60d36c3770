/**
 * Replaces `$(NAME)` by its value; `$$(NAME)` gives the text `$(NAME)`; an unknown name or anything else after a
 * dollar stays as it is (third_party/forked/golang/expansion).
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (all, following: string, name: string | undefined) => {
    if (following === '$') return '$'
    return lookup(name ?? '') ?? all
  })
}
