/**
 * Known answers of the signing scheme: one key, one nonce, seven messages that transports like to mangle, and the only
 * signature each may have. Server, SDK and command line are all held to them.
 */
export const signingVectors = {
  private_key: 'nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=',
  public_key: 'ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
  fingerprint: '21FE-31DF-A154-A261',
  nonce: 'f47ac10b-58cc-4372-a567-0e02b2c3d479',
  cases: [
    {
      name: 'LF',
      message: 'line1\nline2\nline3',
      signature: '5YWAAbGXrGg/UCT/b6n7s3rvfDisiCknZKeZ4+jUfHEs/ZqN2oQA+jcFxRiloAufiMGjhAXjbZ0PIR+cb9qwAQ==',
    },
    {
      name: 'CRLF',
      message: 'line1\r\nline2\r\nline3',
      signature: 'hhX5b8fJJMPeQUJ82oJcgjSc+XYg0WjekROilSQwZciCVL4BeLlrY2BHxvLxw6bO0wtgFJu3AJFsgbus8LXEBQ==',
    },
    {
      name: 'surrounding spaces',
      message: '  line1  ',
      signature: 'MUAuUzK2PhKfuj3Ewq2n6UcOJAHHt96xn3bitrjyZICXnsMV4GW+PlbrbwrD6mDxK3U/tPsLh4oFJcsJz5bIBA==',
    },
    {
      name: 'emoji',
      message: 'hello \u{1F44B}\u{1F3FD}',
      signature: '+6solDQx9bNcse8mMrLmJX81cm+ka9Yu+WK/jnr+xNV4Yx77adyfZ3/RuGoaejBr22wAXXK5c5da77/Ysff8CQ==',
    },
    {
      name: 'CJK',
      message: '\u65E5\u672C\u8A9E',
      signature: 'qYge/UNS30rIiWD2LiXo9/QCieh99OWPpjxJZ0izmDJcV79Jf8H/lulCsI2yaBt2hP4ZpZPs0GFu1PeKhz+zDg==',
    },
    {
      name: 'NUL',
      message: 'a\0b',
      signature: '7o0/Mz9OBfu/CCypc3piaIqmnzMW+vWj/Yu9N3TzqdxNFmWYLGzjL3d1wB8/nSdCwq7O59CznzIsyeENBANNBg==',
    },
    {
      name: 'over one kilobyte',
      message: 'x'.repeat(1025),
      signature: 'T+qvFhrVgQxinVanSwUZd04jqGRAbmlUGwLLXHUtamOysSQ3XbfapNtiNyh4k5WknZUQP0b8EzCF5bw5AIu4Bw==',
    },
  ],
} as const;
