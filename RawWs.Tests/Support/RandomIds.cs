using System.Buffers.Text;

namespace RawWs.Tests.Support;

/// <summary>What ids must be that nobody can guess.</summary>
internal static class RandomIds
{
    /// <summary>How many to make: that a random bit is the same in all of them has a chance of 2^-63.</summary>
    public const int Enough = 64;

    /// <summary>Ids of so many bytes of which every bit is 0 in some and 1 in others: nothing is constant or counted.</summary>
    public static void Expect(IReadOnlyList<string> ids, int bytes)
    {
        var decoded = ids.Select(id => Base64Url.DecodeFromChars(id)).ToArray();
        Assert.That(decoded, Has.Length.EqualTo(Enough).And.All.Length.EqualTo(bytes));
        for (var i = 0; i < bytes; i++)
        {
            Assert.That(decoded.Aggregate(0xff, (bits, id) => bits & id[i]), Is.Zero, $"bits of byte {i} are always 1");
            Assert.That(decoded.Aggregate(0, (bits, id) => bits | id[i]), Is.EqualTo(0xff), $"bits of byte {i} are always 0");
        }
    }
}
