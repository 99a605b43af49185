using System.Text;
using RawWs.Protocol.SocketIO;

namespace RawWs.Tests.Protocol.SocketIO;

[TestFixture]
public sealed class SocketPacketAssemblerTests
{
    private const string TwoAttachments =
        """52-["e",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]""";

    private SocketPacketAssembler _assembler = null!;

    [SetUp]
    public void Create() => _assembler = new SocketPacketAssembler(new SocketPacketLimits { MaxPacketBytes = 200 });

    [Test]
    public void Packet_without_attachments_is_complete_at_once()
    {
        Assert.That(AddText("""2["e",1]""", out var packet), Is.EqualTo((SocketPacketError.None, true)));
        Assert.That(Encoding.UTF8.GetString(packet.Name.Span), Is.EqualTo("e"));
        Assert.That(_assembler.Attachments, Is.Empty);
    }

    [Test]
    public void Packet_is_complete_with_its_last_attachment()
    {
        var text = Encoding.UTF8.GetBytes(TwoAttachments);
        Assert.That(_assembler.AddText(text, out _, out var isComplete), Is.EqualTo(SocketPacketError.None));
        Assert.That(isComplete, Is.False);
        // The buffers of the transport are used again meanwhile.
        Array.Fill(text, (byte)'x');
        byte[] first = [1];
        Assert.That(AddBinary(first, out _), Is.EqualTo((SocketPacketError.None, false)));
        first[0] = 9;
        Assert.That(AddBinary([2, 3], out var packet), Is.EqualTo((SocketPacketError.None, true)));
        Assert.That(Encoding.UTF8.GetString(packet.Name.Span), Is.EqualTo("e"));
        Assert.That(packet.Count, Is.EqualTo(2));
        Assert.That(_assembler.Attachments.Select(bytes => Convert.ToHexString(bytes.Span)), Is.EqualTo(["01", "0203"]));
        Assert.That(AddText("""2["next"]""", out _), Is.EqualTo((SocketPacketError.None, true)));
    }

    [Test]
    public void Text_where_an_attachment_is_due_is_an_error()
    {
        AddText(TwoAttachments, out _);
        AddBinary([1], out _);
        Assert.That(AddText("""2["e"]""", out _).Error, Is.EqualTo(SocketPacketError.AttachmentMissing));
        Assert.That(AddBinary([2], out _).Error, Is.EqualTo(SocketPacketError.UnexpectedAttachment), "nothing is kept");
    }

    [Test]
    public void Attachment_that_nobody_has_announced_is_an_error()
    {
        Assert.That(AddBinary([1], out _).Error, Is.EqualTo(SocketPacketError.UnexpectedAttachment));
        AddText("""2["e"]""", out _);
        Assert.That(AddBinary([1], out _).Error, Is.EqualTo(SocketPacketError.UnexpectedAttachment));
    }

    [Test]
    public void Packet_with_its_attachments_is_bounded()
    {
        AddText(TwoAttachments, out _);
        Assert.That(AddBinary(new byte[200], out _).Error, Is.EqualTo(SocketPacketError.TooLarge));
        Assert.That(AddBinary([1], out _).Error, Is.EqualTo(SocketPacketError.UnexpectedAttachment));
    }

    private (SocketPacketError Error, bool IsComplete) AddText(string text, out SocketPacket packet) =>
        (_assembler.AddText(Encoding.UTF8.GetBytes(text), out packet, out var isComplete), isComplete);

    private (SocketPacketError Error, bool IsComplete) AddBinary(byte[] bytes, out SocketPacket packet) =>
        (_assembler.AddBinary(bytes, out packet, out var isComplete), isComplete);
}
