using System.Buffers;
using System.Text;
using CsCheck;
using RawWs.Protocol.Envelope;
using Gen = CsCheck.Gen;

namespace RawWs.Tests.Protocol.Envelope;

public class EnvelopeRoundTripTests
{
    private static readonly string[] Scalars =
        ["null", "true", "-0", "1e999", "9007199254740993", "0.1", "\"\"", "\"\\ud800\"", "\"a, b\"", "\"\\\"]}\""];

    private static readonly Gen<string> Scalar = Gen.Int[0, Scalars.Length - 1].Select(index => Scalars[index]);

    // Every kind of value, nested, with the whitespace that JSON allows.
    private static readonly Gen<string> Value = Gen.Recursive<string>((depth, inner) => depth == 4
        ? Scalar
        : Gen.Frequency(
            (3, Scalar),
            (1, inner.Array[0, 3].Select(items => $"[{string.Join(" , ", items)}]")),
            (1, inner.Array[0, 3].Select(items => $"{{ {string.Join(",\n", items.Select(item => $"\"k\":{item}"))} }}"))));

    // Any Unicode text: a surrogate that has no other half is repaired to U+FFFD.
    private static readonly Gen<string> Text = Gen.OneOf(Gen.Char, Gen.Char['\0', '\u007f']).Array[0, 40]
        .Select(units => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(units)));

    private static readonly Gen<long> Number =
        Gen.OneOf(Gen.Long[0, EnvelopePacket.MaxId], Gen.Long[0, 9], Gen.Const(EnvelopePacket.MaxId));

    [Test]
    public void An_event_that_was_written_is_read_back() => ForEach(
        Gen.Select(Text.Where(text => text.Length > 0), Value.Array[0, 4], Gen.Nullable(Number)),
        input =>
        {
            (string name, string[] values, long? id) = input;
            byte[] utf8 = Encoding.UTF8.GetBytes(name);
            byte[] joined = Join(values);

            return IsSame(Read(output => EnvelopeWriter.WriteEvent(output, utf8, joined, values.Length, id)))
                && IsSame(Read(output => EnvelopeWriter.WriteEvent(output, name, joined, values.Length, id)));

            bool IsSame(EnvelopePacket packet) => packet.Kind == EnvelopeKind.Event
                && packet.Name.Span.SequenceEqual(utf8)
                && packet.Values.Span.SequenceEqual(joined)
                && packet.Count == values.Length
                && packet.Id == id;
        });

    [Test]
    public void An_acknowledgement_that_was_written_is_read_back() => ForEach(
        Gen.Select(Number, Value.Array[0, 4]),
        input =>
        {
            (long id, string[] values) = input;
            byte[] joined = Join(values);
            EnvelopePacket packet = Read(output => EnvelopeWriter.WriteAck(output, id, joined, values.Length));

            return packet.Kind == EnvelopeKind.Ack
                && packet.Id == id
                && packet.Values.Span.SequenceEqual(joined)
                && packet.Count == values.Length;
        });

    [Test]
    public void A_refusal_that_was_written_is_read_back() => ForEach(
        Gen.Select(Number, Text, Text),
        input =>
        {
            (long id, string code, string message) = input;
            EnvelopePacket packet = Read(output => EnvelopeWriter.WriteAckError(output, id, code, message));

            return packet.Kind == EnvelopeKind.AckError
                && packet.Id == id
                && Encoding.UTF8.GetString(packet.ErrorCode.Span) == code
                && Encoding.UTF8.GetString(packet.ErrorMessage.Span) == message;
        });

    // Sample() would draw all but its first input from a random source of its own.
    private static void ForEach<T>(Gen<T> inputs, Func<T, bool> holds)
    {
        var source = new PCG(stream: 1, seed: 1);
        for (int round = 0; round < 2_000; round++)
        {
            T input = inputs.Generate(source, null, out _);
            Assert.That(holds(input), Is.True, () => $"round {round}: {Check.Print(input)}");
        }
    }

    private static byte[] Join(string[] values) => Encoding.UTF8.GetBytes(string.Join(',', values));

    private static EnvelopePacket Read(Action<ArrayBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        EnvelopeError error = EnvelopeReader.TryRead(
            output.WrittenMemory, new EnvelopeLimits { MaxNameBytes = 1024 }, out EnvelopePacket packet);
        Assert.That(error, Is.EqualTo(EnvelopeError.None), () => Encoding.UTF8.GetString(output.WrittenSpan));
        return packet;
    }
}
